-- grain: one row: how many rows {{ relation }} has, and how many NULLs in the columns
-- reads: {{ schema }}.{{ relation }}
select
    count(*) as row_count,
    coalesce(sum(num_nulls({{ columns | idents('s') }})), 0) as null_count
from {{ schema | ident }}.{{ relation | ident }} as s
