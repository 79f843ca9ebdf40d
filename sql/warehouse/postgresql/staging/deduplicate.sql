-- grain: statements that leave one row of {{ relation }} of those that mean the same
-- reads: {{ schema }}.{{ relation }}
{%- macro key_of(column, is_text) -%}
{% if is_text %}convert_to(s.{{ column | ident }}, 'UTF8'){% else %}s.{{ column | ident }}{% endif %}
{%- endmacro %}

-- name: open
create temporary table duplicates_found (row_number bigint not null, cluster bigint not null)
on commit drop;

-- name: largest_block
select count(*) as block_size
from {{ schema | ident }}.{{ relation | ident }} as s
where num_nulls({{ compared | idents('s') }}) = 0
group by {{ match | idents('s') }}
order by block_size desc
limit 1;

-- name: find_equal
with matched as (
    select
        s._row,
        min(s._row) over (partition by {{ match | idents('s') }}) as _cluster,
        count(*) over (partition by {{ match | idents('s') }}) as _total
    from {{ schema | ident }}.{{ relation | ident }} as s
    where num_nulls({{ compared | idents('s') }}) = 0
)

insert into duplicates_found (row_number, cluster)
select
    m._row,
    m._cluster
from matched as m
where m._total > 1;

-- name: blocks
with matched as (
    select
        s._row,
        {{ similar | idents('s') }},
        min(s._row) over (partition by {{ match | idents('s') }}) as _block,
        count(*) over (partition by {{ match | idents('s') }}) as _total
    from {{ schema | ident }}.{{ relation | ident }} as s
    where num_nulls({{ compared | idents('s') }}) = 0
)

select
    m._block,
    m._row,
    {{ similar | idents('m') }}
from matched as m
where m._total > 1
order by m._block, m._row;

-- name: rank
create temporary table duplicates_ranked on commit drop as
select
    d.cluster,
    s._row,
    row_number() over (
        partition by d.cluster
        order by
        {%- for column, is_text, direction in order %}
            {{ key_of(column, is_text) }} {{ direction }} nulls last{{ "," if not loop.last }}
        {%- endfor %}
    ) as place
from duplicates_found as d
inner join {{ schema | ident }}.{{ relation | ident }} as s on d.row_number = s._row;

-- name: find_fills
create temporary table duplicates_filled on commit drop as
select
    {%- for column in fillable %}
    (
        array_agg(s.{{ column | ident }} order by r.place)
        filter (where s.{{ column | ident }} is not null)
    )[1] as {{ column | ident }},
    {%- endfor %}
    max(r._row) filter (where r.place = 1) as _kept_row
from duplicates_ranked as r
inner join {{ schema | ident }}.{{ relation | ident }} as s on r._row = s._row
group by r.cluster;

-- name: count_fills
select
    coalesce(
        sum(
            {%- for column in fillable %}
            (s.{{ column | ident }} is null and f.{{ column | ident }} is not null)::integer +
            {%- endfor %}
            0
        ), 0
    )
from duplicates_filled as f
inner join {{ schema | ident }}.{{ relation | ident }} as s on f._kept_row = s._row;

-- name: fill
update {{ schema | ident }}.{{ relation | ident }} as s
set ({{ fillable | idents }}) = (select {{ fillable | idents('f') }})
from duplicates_filled as f
where s._row = f._kept_row;

-- name: drop_others
with dropped as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using duplicates_ranked as r
    where s._row = r._row and r.place > 1
    returning 1
)

select count(*) from dropped;

-- name: close
drop table if exists duplicates_found, duplicates_ranked, duplicates_filled
