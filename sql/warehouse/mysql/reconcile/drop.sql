-- grain: a relation of a comparison that is made anew
drop table if exists {{ staging | ident }}.{{ relation | ident }};
