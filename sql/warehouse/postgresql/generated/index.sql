-- grain: an index for a foreign key that {{ relation }} gained
create index on {{ schema | ident }}.{{ relation | ident }} ({{ column | ident }})
