-- grain: one row per staged row of {{ relation }} with what becomes of it in the copy
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
{% import "compare.sql" as compare -%}
{% from "cursor.sql" import as_cursor with context -%}
drop temporary table if exists {{ staging | ident }}.{{ rows | ident }};
create temporary table {{ staging | ident }}.{{ rows | ident }} (
    _change varchar(16),
    unique index (_row),
    index ({{ key | idents }})
) as
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
        when
            not (s._cursor <=> t._source_cursor)
            or {{ compare.differs(columns, 's', 't') }}
            then 'update'
        else 'unchanged'
    end as _change
from {{ staging | ident }}.{{ relation | ident }} as s
left join replica.{{ target | ident }} as t on {{ key | equal('t', 's') }}
