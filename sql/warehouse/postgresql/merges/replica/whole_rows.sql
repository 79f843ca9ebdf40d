-- grain: one row per staged row of {{ relation }}, and one per row of the copy
-- that is there more often than at the source
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
create unlogged table {{ staging | ident }}.{{ rows | ident }} as
with told as (
    select
        s._row,
        sha256(convert_to(row({{ columns | idents('s') }})::text, 'UTF8')) as _content
    from {{ staging | ident }}.{{ relation | ident }} as s
),

held as (
    select
        t._row_id,
        sha256(convert_to(row({{ columns | idents('t') }})::text, 'UTF8')) as _content
    from replica.{{ target | ident }} as t
    {%- if adds_only %}
    -- rows that come back from quarantine are some more, and not all that there are (law Q3)
    where false
    {%- endif %}
),

told_copies as (
    select
        _row,
        _content,
        row_number() over (partition by _content order by _row) as _copy
    from told
),

held_copies as (
    select
        _row_id,
        _content,
        row_number() over (partition by _content order by _row_id) as _copy
    from held
)

select
    h._row_id,
    s._row,
    case
        when h._row_id is null then 'insert'
        when s._row is null then 'remove'
        else 'unchanged'
    end as _change
from told_copies as s
full outer join held_copies as h on s._content = h._content and s._copy = h._copy
