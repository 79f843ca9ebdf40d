-- grain: one row per staged row of {{ relation }}, as before it was narrowed
-- reads: {{ staging }}.{{ whole }}
drop table {{ staging | ident }}.{{ relation | ident }};
alter table {{ staging | ident }}.{{ whole | ident }} rename to {{ relation | ident }};
