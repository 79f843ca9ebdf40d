-- grain: one row per staged row of {{ relation }}, as before it was narrowed
-- reads: {{ staging }}.{{ whole }}
drop table if exists {{ staging | ident }}.{{ relation | ident }};
rename table
{{ staging | ident }}.{{ whole | ident }} to {{ staging | ident }}.{{ relation | ident }};
