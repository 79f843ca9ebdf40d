-- grain: one row per version, from `since` on, of each affected {{ entity }}: a pure function of
-- its events (law S1)
-- reads: history.{{ entity }}, {{ staging }}.{{ affected }}, warehouse.{{ dimension }}, for the
-- surrogate keys of the versions that are there
{%- set attributes = groups | sum(start=[]) %}
create unlogged table {{ staging | ident }}.{{ versions | ident }} as
with events as (
    select
        {{ key | idents('h') }},
        h.effective_at,
        h.operation,
        h.existence,
        {%- for group in groups %}
        h.operation = 'upsert'
        and h.absent @> array[{{ group[0] | literal }}] is false as has_{{ loop.index }},
        {%- endfor %}
        {{ attributes | idents('h') }},
        row_number() over by_time as position
    from history.{{ entity | ident }} as h
    inner join {{ staging | ident }}.{{ affected | ident }} as a
        on {{ key | equal('a', 'h') }} and h.effective_at >= a.since
    window by_time as (
        partition by {{ key | idents('h') }} order by h.effective_at, h.sequence, h.source
    )
),

-- the last event about existence decides whether the member is there (law S3)
running as (
    select
        e.*,
        coalesce(
            mod(
                max(e.position * 2 + (e.operation != 'delete')::integer)
                filter (where e.existence) over by_time,
                2
            ) = 1,
            true
        ) as is_alive,
        {%- for group in groups %}
        count(*) filter (where e.has_{{ loop.index }}) over by_time as run_{{ loop.index }},
        {%- endfor %}
        (lead(e.effective_at) over by_time is distinct from e.effective_at) as is_last_of_instant
    from events as e
    window by_time as (partition by {{ key | idents('e') }} order by e.position)
),

-- a column that a record does not carry keeps its value (law S6)
carried as (
    select
        {{ key | idents('r') }},
        r.effective_at,
        r.position,
        r.is_alive,
        {%- for group in groups %}
        {%- set number = loop.index %}
        r.run_{{ number }} > 0 as knows_{{ number }},
        {%- for attribute in group if carry %}
        first_value(r.{{ attribute | ident }}) over run_{{ number }} as {{ attribute | ident }},
        {%- else %}
        {{ group | idents('r') }},
        {%- endfor %}
        {%- endfor %}
        r.is_last_of_instant
    from running as r
    {%- if carry %}
    window
    {%- for group in groups %}
        run_{{ loop.index }} as (
            partition by {{ key | idents('r') }}, r.run_{{ loop.index }} order by r.position
        ){{ "," if not loop.last }}
    {%- endfor %}
    {%- endif %}
),

-- several events of one instant collapse to the last (law S7)
instants as (
    select
        c.*,
        lag(c.is_alive) over by_time as was_alive,
        {%- for group in groups %}
        lag(c.knows_{{ loop.index }}) over by_time as knew_{{ loop.index }},
        {%- endfor %}
        {%- for attribute in type_2 + type_3 %}
        lag(c.{{ attribute | ident }}) over by_time as {{ ("before_" ~ attribute) | ident }},
        {%- endfor %}
        true as is_instant
    from carried as c
    where c.is_last_of_instant
    window by_time as (partition by {{ key | idents('c') }} order by c.position)
),

-- a first known value makes no version of its own (laws S14, S17)
changes as (
    select
        i.*,
        i.is_alive and (
            i.was_alive is not true
            {%- for group in groups %}
            {%- set number = loop.index %}
            {%- set tracked = group | select('in', type_2) | list %}
            {%- if tracked %}
            or (
                i.knows_{{ number }} and i.knew_{{ number }}
                and row({{ tracked | idents('i') }})
                is distinct from row({{ tracked | idents('i', 'before_') }})
            )
            {%- endif %}
            {%- endfor %}
        ) as opens,
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for attribute in group if attribute in type_3 %}
        i.knows_{{ number }} and i.knew_{{ number }}
        and (i.{{ attribute | ident }} is distinct from {{ [attribute] | idents('i', 'before_') }})
            as {{ ("moves_" ~ attribute) | ident }},
        {%- endfor %}
        {%- endfor %}
        not i.is_alive and i.was_alive as closes
    from instants as i
),

placed as (
    select
        {{ key | idents('c') }},
        c.is_alive,
        max(c.effective_at) filter (where c.opens) over by_time as valid_from,
        coalesce(
            lead(c.effective_at) over by_time, '9999-12-31 00:00:00+00'::timestamptz
        ) as valid_to,
        coalesce(lead(c.opens or c.closes) over by_time, true) as is_last_of_version,
        not last_value(
            {%- for group in groups %}
            c.knows_{{ loop.index }}{{ " or" if not loop.last }}
            {%- endfor %}
        ) over whole as is_inferred,
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for attribute in group %}
        {%- if attribute in type_0 %}
        (
            array_agg(c.{{ attribute | ident }})
            filter (where c.knows_{{ number }} and c.knew_{{ number }} is not true) over whole
        )[1] as {{ attribute | ident }},
        {%- elif attribute in type_1 %}
        last_value(c.{{ attribute | ident }}) over whole as {{ attribute | ident }},
        {%- elif attribute in type_2 %}
        c.{{ attribute | ident }},
        {%- else %}
        last_value(c.{{ attribute | ident }}) over whole as {{ attribute | ident }},
        (
            array_agg({{ [attribute] | idents('c', 'before_') }})
            filter (where {{ [attribute] | idents('c', 'moves_') }}) over whole
        )[count(*) filter (where {{ [attribute] | idents('c', 'moves_') }}) over whole]
            as {{ ("previous_" ~ attribute) | ident }},
        max(c.effective_at) filter (where {{ [attribute] | idents('c', 'moves_') }}) over whole
            as {{ (attribute ~ "_changed_at") | ident }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        c.position
    from changes as c
    window
        by_time as (partition by {{ key | idents('c') }} order by c.position),
        whole as (
            partition by {{ key | idents('c') }} order by c.position
            rows between unbounded preceding and unbounded following
        )
)

select
    {{ key | idents('p') }},
    p.valid_from,
    p.valid_to,
    p.is_inferred,
    {%- for snowflake in snowflakes %}
    -1::bigint as {{ snowflake | ident }},
    {%- endfor %}
    {{ derived | idents('p') }},
    d.{{ surrogate | ident }}
from placed as p
left join warehouse.{{ dimension | ident }} as d
    on {{ key | equal('d', 'p') }} and p.valid_from = d.valid_from
where p.is_alive and p.is_last_of_version
