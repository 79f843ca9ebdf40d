-- grain: statements that leave one row of {{ relation }} of those that mean the same
-- reads: {{ schema }}.{{ relation }}
{%- macro nulls_of(alias) -%}
{%- for column in fillable -%}
({{ alias }}.{{ column | ident }} is null)::integer{{ " + " if not loop.last }}
{%- endfor -%}
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
        min(s._row) over (partition by {{ match | idents('s') }}) as cluster,
        count(*) over (partition by {{ match | idents('s') }}) as total
    from {{ schema | ident }}.{{ relation | ident }} as s
    where num_nulls({{ compared | idents('s') }}) = 0
)

insert into duplicates_found (row_number, cluster)
select
    m._row,
    m.cluster
from matched as m
where m.total > 1;

-- name: blocks
with matched as (
    select
        s._row,
        {%- for column in similar %}
        s.{{ column | ident }} as {{ ("text_%s" | format(loop.index)) | ident }},
        {%- endfor %}
        min(s._row) over (partition by {{ match | idents('s') }}) as block,
        count(*) over (partition by {{ match | idents('s') }}) as total
    from {{ schema | ident }}.{{ relation | ident }} as s
    where num_nulls({{ compared | idents('s') }}) = 0
)

select
    m.block,
    m._row,
    {%- for column in similar %}
    m.{{ ("text_%s" | format(loop.index)) | ident }}{{ "," if not loop.last }}
    {%- endfor %}
from matched as m
where m.total > 1
order by m.block, m._row;

-- name: keep_found
insert into duplicates_found (row_number, cluster) values %s;

-- name: rank
create temporary table duplicates_ranked on commit drop as
select
    d.cluster,
    s._row,
    row_number() over (
        partition by d.cluster
        order by
        {%- for column, is_descending, is_text in order %}
            s.{{ column | ident }}
            {%- if is_text %} collate "C"{% endif %}
            {%- if is_descending %} desc{% endif %} nulls last{{ "," if not loop.last }}
        {%- endfor %}
    ) as place
from duplicates_found as d
inner join {{ schema | ident }}.{{ relation | ident }} as s on d.row_number = s._row;

-- name: fill
with found as (
    select
        max(r._row) filter (where r.place = 1) as kept_row,
        max({{ nulls_of('s') }}) filter (where r.place = 1) as nulls_before,
        {%- for column in fillable %}
        (
            array_agg(s.{{ column | ident }} order by r.place)
            filter (where s.{{ column | ident }} is not null)
        )[1] as {{ column | ident }}{{ "," if not loop.last }}
        {%- endfor %}
    from duplicates_ranked as r
    inner join {{ schema | ident }}.{{ relation | ident }} as s on r._row = s._row
    group by r.cluster
),

filled as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set
        {%- for column in fillable %}
        {{ column | ident }} = f.{{ column | ident }}{{ "," if not loop.last }}
        {%- endfor %}
    from found as f
    where t._row = f.kept_row and f.nulls_before > {{ nulls_of('f') }}
    returning f.nulls_before - ({{ nulls_of('f') }}) as gained
)

select coalesce(sum(f.gained), 0) from filled as f;

-- name: drop_others
with dropped as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using duplicates_ranked as r
    where s._row = r._row and r.place > 1
    returning 1
)

select count(*) from dropped;

-- name: close
drop table duplicates_found, duplicates_ranked
