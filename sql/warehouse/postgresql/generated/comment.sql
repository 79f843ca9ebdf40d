-- grain: what the catalog says of one column of {{ relation }}
comment on column {{ schema | ident }}.{{ relation | ident }}.{{ column | ident }} is
{{ description | literal }}
