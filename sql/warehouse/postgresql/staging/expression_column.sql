-- grain: one column of {{ relation }} that PostgreSQL computes from the others of its row
alter table {{ schema | ident }}.{{ relation | ident }}
add column {{ column | ident }} {{ type | type }} generated always as ({{ expression }}) stored
