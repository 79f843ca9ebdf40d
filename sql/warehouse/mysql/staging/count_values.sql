-- grain: one row: how many rows {{ relation }} has, and how many NULLs in the columns
-- reads: {{ schema }}.{{ relation }}
select
    count(*) as row_count,
    coalesce(
        sum(
            {%- for column in columns %}
            (s.{{ column | ident }} is null){{ " +" if not loop.last }}
            {%- endfor %}
        ), 0
    ) as null_count
from {{ schema | ident }}.{{ relation | ident }} as s
