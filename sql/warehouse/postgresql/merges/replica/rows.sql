-- grain: one row per staged row of {{ relation }} with what becomes of it in the copy
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
{% from "cursor.sql" import as_cursor with context -%}
create unlogged table {{ staging | ident }}.{{ rows | ident }} as
select
    {{ key | idents('s') }},
    s._row,
    case
        when {{ is_gone }} and t._updated_run_id is not null then 'remove'
        when {{ is_gone }} then 'unchanged'
        when t._updated_run_id is null then 'insert'
        {%- if keeps_newer %}
        -- days of a backfill are read side by side: one may know an older state than another
        when {{ as_cursor("t._source_cursor") }} > {{ as_cursor("s._cursor") }} then 'drop'
        {%- endif %}
        when (
            row(s._cursor{{ ", " if columns }}{{ columns | idents('s') }})
            is distinct from row(t._source_cursor{{ ", " if columns }}{{ columns | idents('t') }})
        )
            then 'update'
        else 'unchanged'
    end as _change
from {{ staging | ident }}.{{ relation | ident }} as s
left join replica.{{ target | ident }} as t on {{ key | equal('t', 's') }}
