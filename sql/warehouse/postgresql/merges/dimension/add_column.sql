-- grain: an attribute that the catalog gained; history stays NULL (law S14)
alter table warehouse.{{ relation | ident }}
add column if not exists {{ column | ident }} {{ type }}
