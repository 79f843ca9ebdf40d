-- grain: an index for a foreign key that {{ relation }} gained
alter table {{ schema | ident }}.{{ relation | ident }} add index ({{ column | ident }})
