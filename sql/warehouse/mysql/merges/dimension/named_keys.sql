-- grain: one row per row of {{ relation }}, with the natural keys that it names
-- reads: {{ schema }}.{{ relation }}
select
{%- for column, named in columns.items() %}
    {{ named | ident }} as {{ column | ident }}{{ "," if not loop.last }}
{%- endfor %}
from {{ schema | ident }}.{{ relation | ident }}
