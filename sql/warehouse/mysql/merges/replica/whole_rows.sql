-- grain: one row per staged row of {{ relation }}, and one per row of the copy
-- that is there more often than at the source
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
{% import "json.sql" as json -%}
{%- macro content(alias) -%}
unhex(sha2(json_array(
    {%- for column in columns %}
    {{ json.value(alias ~ "." ~ (column | ident), types[column]) | indent(4) }}
    {{- "," if not loop.last }}
    {%- endfor %}
), 256))
{%- endmacro %}
drop temporary table if exists audit.told_rows;
create temporary table audit.told_rows (
    _content binary(32),
    index (_content, _copy)
) as
select
    t._row,
    t._content,
    row_number() over (partition by t._content order by t._row) as _copy
from (
    select
        s._row,
        {{ content('s') | indent(8) }} as _content
    from {{ staging | ident }}.{{ relation | ident }} as s
) as t;

drop temporary table if exists audit.held_rows;
create temporary table audit.held_rows (
    _content binary(32),
    index (_content, _copy)
) as
select
    h._row_id,
    h._content,
    row_number() over (partition by h._content order by h._row_id) as _copy
from (
    select
        t._row_id,
        {{ content('t') | indent(8) }} as _content
    from replica.{{ target | ident }} as t
    {%- if adds_only %}
    -- rows that come back from quarantine are some more, and not all that there are (law Q3)
    where false
    {%- endif %}
) as h;

drop temporary table if exists {{ staging | ident }}.{{ rows | ident }};
create temporary table {{ staging | ident }}.{{ rows | ident }} (
    _row_id bigint,
    _row bigint,
    _change varchar(16),
    index (_row_id),
    index (_row)
) as
select
    h._row_id,
    s._row,
    case when h._row_id is null then 'insert' else 'unchanged' end as _change
from audit.told_rows as s
left join audit.held_rows as h on s._content = h._content and s._copy = h._copy;

insert into {{ staging | ident }}.{{ rows | ident }} (_row_id, _change)
select
    h._row_id,
    'remove'
from audit.held_rows as h
left join audit.told_rows as s on h._content = s._content and h._copy = s._copy
where s._row is null;
