-- grain: statements that leave one row of {{ relation }} of those that mean the same
-- reads: {{ schema }}.{{ relation }}
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% from "staging/groups.sql" import group_key -%}
{%- macro all_known(alias) -%}
{%- for column in compared -%}
{{ alias }}.{{ column | ident }} is not null{{ " and " if not loop.last }}
{%- endfor -%}
{%- endmacro -%}
-- name: open
drop temporary table if exists audit.duplicates_found;
create temporary table audit.duplicates_found (
    `row_number` bigint not null,
    cluster bigint not null
);

-- name: largest_block
select count(*) as block_size
from {{ schema | ident }}.{{ relation | ident }} as s
where {{ all_known("s") }}
group by {{ match | idents('s') }}
order by block_size desc
limit 1;

-- name: find_equal
insert into audit.duplicates_found (`row_number`, cluster)
with keyed as (
    select
        s._row,
        {{ group_key("s", match, staged) }} as group_key
    from {{ schema | ident }}.{{ relation | ident }} as s
    where {{ all_known("s") }}
),

matched as (
    select
        k._row,
        min(k._row) over (partition by k.group_key) as cluster,
        count(*) over (partition by k.group_key) as total
    from keyed as k
)

select
    m._row,
    m.cluster
from matched as m
where m.total > 1;

-- name: blocks
with keyed as (
    select
        s._row,
        {{ group_key("s", match, staged) }} as group_key
    from {{ schema | ident }}.{{ relation | ident }} as s
    where {{ all_known("s") }}
),

matched as (
    select
        k._row,
        min(k._row) over (partition by k.group_key) as _block,
        count(*) over (partition by k.group_key) as total
    from keyed as k
)

select
    m._block,
    m._row,
    {{ similar | idents('s') }}
from matched as m
inner join {{ schema | ident }}.{{ relation | ident }} as s on m._row = s._row
where m.total > 1
order by m._block, m._row;

-- name: rank
drop temporary table if exists audit.duplicates_ranked;
create temporary table audit.duplicates_ranked (_row bigint primary key) as
select
    d.cluster,
    s._row,
    row_number() over (
        partition by d.cluster
        order by
        {%- for column, is_text, direction in order %}
            s.{{ column | ident }} is null,
            s.{{ column | ident }} {{ direction }}{{ "," if not loop.last }}
        {%- endfor %}
    ) as place
from audit.duplicates_found as d
inner join {{ schema | ident }}.{{ relation | ident }} as s on d.`row_number` = s._row;

-- name: find_fills
-- Of each column the first row that has a value, behind its place.
drop temporary table if exists audit.duplicates_filled;
create temporary table audit.duplicates_filled (_kept_row bigint primary key) as
with first_rows as (
    select
        max(case when r.place = 1 then r._row end) as _kept_row,
        {%- for column in fillable %}
        min(
            case
                when s.{{ column | ident }} is not null
                    then concat(lpad(r.place, 20, '0'), lpad(r._row, 20, '0'))
            end
        ) as from_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from audit.duplicates_ranked as r
    inner join {{ schema | ident }}.{{ relation | ident }} as s on r._row = s._row
    group by r.cluster
)

select
    f._kept_row,
    {%- for column in fillable %}
    (
        select o.{{ column | ident }}
        from {{ schema | ident }}.{{ relation | ident }} as o
        where o._row = cast(substr(f.from_{{ loop.index }}, 21) as signed)
    ) as {{ column | ident }}{{ "," if not loop.last }}
    {%- endfor %}
from first_rows as f;

-- name: count_fills
select
    coalesce(
        sum(
            {%- for column in fillable %}
            (s.{{ column | ident }} is null and f.{{ column | ident }} is not null)
            {{- " +" if not loop.last }}
            {%- endfor %}
        ), 0
    ) as filled_count
from audit.duplicates_filled as f
inner join {{ schema | ident }}.{{ relation | ident }} as s on f._kept_row = s._row;

-- name: fill
update {{ schema | ident }}.{{ relation | ident }} as s
inner join audit.duplicates_filled as f on s._row = f._kept_row
set
    {%- for column in fillable %}
    s.{{ column | ident }} = f.{{ column | ident }}{{ "," if not loop.last }}
    {%- endfor %};

-- name: drop_others
delete from {{ schema | ident }}.{{ relation | ident }}
using {{ schema | ident }}.{{ relation | ident }}
inner join audit.duplicates_ranked as r on {{ relation | ident }}._row = r._row
where r.place > 1;
select row_count() as dropped_count;

-- name: close
drop temporary table if exists
audit.duplicates_found, audit.duplicates_ranked, audit.duplicates_filled;
