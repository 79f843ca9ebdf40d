-- grain: one row per version of each affected {{ entity }}, a pure function of its events (law S1)
-- reads: history.{{ entity }}, {{ staging }}.{{ affected }}
-- Placed by narrow rows, each with the keys of the events that tell its values: a window over wide
-- rows writes all of them once more for each column. The values come last, by those keys.
{%- import "compare.sql" as compare %}
{%- set event_key = ("effective_at", "sequence", "source") %}
{#- The events that a version takes values from: of its time, the first, the last, before a move. #}
{%- set found = namespace(roles=[]) %}
{%- for group in groups %}
{%- set number = loop.index %}
{%- for role, types in (("now", type_2), ("first", type_0), ("last", type_1 + type_3)) %}
{%- if group | select("in", types) | list %}
{%- set found.roles = found.roles + [role ~ "_" ~ number] %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- for attribute in type_3 %}
{%- set found.roles = found.roles + ["moved_" ~ loop.index] %}
{%- endfor %}
{#- A join holds 61 tables; what does not fit is looked up value by value. #}
{%- set joined = found.roles[:50] %}
{%- macro is_event(event, row, role) -%}
{{ key | equal(event, row) }}
{%- for part in event_key %} and {{ event }}.{{ part }} = {{ row }}.{{ role }}_{{ part }}
{%- endfor %}
{%- endmacro %}
{%- macro value(role, attribute) -%}
{%- if role in joined -%}
{{ role }}.{{ attribute | ident }}
{%- else -%}
(
        select h.{{ attribute | ident }}
        from history.{{ entity | ident }} as h
        where {{ is_event("h", "p", role) }}
    )
{%- endif -%}
{%- endmacro %}
{%- macro carried(run, part) -%}
first_value(r.{{ part }}) over (
                partition by {{ key | idents('r') }}, r.run_{{ run }}
                order by r.effective_at, r.sequence, r.source
            )
{%- endmacro %}
{%- macro changed(number, attributes) -%}
i.now_{{ number }}_effective_at is not null
                and i.before_{{ number }}_effective_at is not null
                and (
                    select {{ compare.differs(attributes, "n", "b") }}
                    from history.{{ entity | ident }} as n
                    inner join history.{{ entity | ident }} as b on {{ key | equal("b", "n") }}
                    where
                        {{ is_event("n", "i", "now_" ~ number) }}
                        and {{ is_event("b", "i", "before_" ~ number) }}
                )
{%- endmacro %}
drop temporary table if exists {{ staging | ident }}.{{ versions | ident }};
create temporary table {{ staging | ident }}.{{ versions | ident }} (
    -- said, because a column that is never NULL would get a default that strict mode refuses
    valid_from datetime(6),
    valid_to datetime(6),
    unique index ({{ key | idents }}, valid_from)
) as
with running as (
    select
        {{ key | idents('h') }},
        h.effective_at,
        h.sequence,
        h.source,
        {%- if carry %}
        h.operation != 'delete' as is_there,
        count(case when h.existence then 1 end) over by_time as run_0,
        {%- for group in groups %}
        count(
            case
                when
                    h.operation = 'upsert'
                    and not json_contains(h.absent, json_quote({{ group[0] | literal }}))
                    then 1
            end
        ) over by_time as run_{{ loop.index }},
        {%- endfor %}
        {%- endif %}
        coalesce(
            lead(h.effective_at) over by_time != h.effective_at, true
        ) as is_last_of_instant
    from history.{{ entity | ident }} as h
    inner join {{ staging | ident }}.{{ affected | ident }} as a on {{ key | equal('a', 'h') }}
    window by_time as (
        partition by {{ key | idents('h') }} order by h.effective_at, h.sequence, h.source
    )
),

-- the last event about existence decides whether the member is there (law S3);
-- a column that a record does not carry keeps its value (law S6)
carried as (
    select
        {{ key | idents('r') }},
        r.effective_at,
        {%- if carry %}
        r.run_0 = 0 or {{ carried(0, "is_there") }} as is_alive,
        {%- else %}
        true as is_alive,
        {%- endif %}
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for part in event_key %}
        {%- if carry %}
        case
            when r.run_{{ number }} > 0 then {{ carried(number, part) }}
        end as now_{{ number }}_{{ part }},
        {%- else %}
        r.{{ part }} as now_{{ number }}_{{ part }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        r.is_last_of_instant
    from running as r
),

-- several events of one instant collapse to the last (law S7)
instants as (
    select
        c.*,
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for part in event_key %}
        lag(c.now_{{ number }}_{{ part }}) over by_time as before_{{ number }}_{{ part }},
        {%- endfor %}
        {%- endfor %}
        {%- if carry %}
        lag(c.is_alive) over by_time as was_alive,
        {%- endif %}
        true as is_instant
    from carried as c
    where c.is_last_of_instant
    window by_time as (partition by {{ key | idents('c') }} order by c.effective_at)
),

-- a first known value makes no version of its own (laws S14, S17)
changes as (
    select
        i.*,
        i.is_alive and (
            {{ "i.was_alive is not true" if carry else "i.before_1_effective_at is null" }}
            {%- for group in groups %}
            {%- set tracked = group | select('in', type_2) | list %}
            {%- if tracked %}
            or (
                {{ changed(loop.index, tracked) }}
            )
            {%- endif %}
            {%- endfor %}
        ) as opens,
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for attribute in group if attribute in type_3 %}
        coalesce(
            {{ changed(number, [attribute]) }}, false
        ) as moves_{{ type_3.index(attribute) + 1 }},
        {%- endfor %}
        {%- endfor %}
        {{ "not i.is_alive and i.was_alive" if carry else "false" }} as closes
    from instants as i
),

placed as (
    select
        {{ key | idents('c') }},
        c.is_alive,
        max(case when c.opens then c.effective_at end) over by_time as valid_from,
        -- NULL after the last instant; the least time where the version goes on
        lead(
            case
                when c.opens or c.closes then c.effective_at
                else timestamp '0001-01-01 00:00:00'
            end
        ) over by_time as next_change,
        {%- if carry %}
        last_value(
            coalesce(
                {%- for group in groups %}
                c.now_{{ loop.index }}_effective_at{{ "," if not loop.last }}
                {%- endfor %}
            )
        ) over whole is null as is_inferred,
        {%- else %}
        false as is_inferred,
        {%- endif %}
        {%- for group in groups %}
        {%- set number = loop.index %}
        {%- for part in event_key %}
        {%- if "now_" ~ number in found.roles %}
        c.now_{{ number }}_{{ part }},
        {%- endif %}
        {%- if "first_" ~ number in found.roles %}
        first_value(c.now_{{ number }}_{{ part }}) over (
            partition by {{ key | idents('c') }}
            order by
                (
                    c.now_{{ number }}_effective_at is not null
                    and c.before_{{ number }}_effective_at is null
                ) desc,
                c.effective_at
        ) as first_{{ number }}_{{ part }},
        {%- endif %}
        {%- if "last_" ~ number in found.roles %}
        last_value(c.now_{{ number }}_{{ part }}) over whole as last_{{ number }}_{{ part }},
        {%- endif %}
        {%- endfor %}
        {%- for attribute in group if attribute in type_3 %}
        {%- set move = type_3.index(attribute) + 1 %}
        {%- for part in event_key %}
        first_value(
            case when c.moves_{{ move }} then c.before_{{ number }}_{{ part }} end
        ) over (
            partition by {{ key | idents('c') }}
            order by c.moves_{{ move }} desc, c.effective_at desc
        ) as moved_{{ move }}_{{ part }},
        {%- endfor %}
        max(case when c.moves_{{ move }} then c.effective_at end) over whole
            as changed_{{ move }}_at,
        {%- endfor %}
        {%- endfor %}
        c.effective_at
    from changes as c
    window
        by_time as (partition by {{ key | idents('c') }} order by c.effective_at),
        whole as (
            partition by {{ key | idents('c') }} order by c.effective_at
            rows between unbounded preceding and unbounded following
        )
)

select
    {{ key | idents('p') }},
    p.valid_from,
    coalesce(p.next_change, timestamp '9999-12-31 00:00:00') as valid_to,
    {%- for snowflake in snowflakes %}
    cast(-1 as signed) as {{ snowflake | ident }},
    {%- endfor %}
    {%- for group in groups %}
    {%- set number = loop.index %}
    {%- for attribute in group %}
    {%- if attribute in type_2 %}
    {{ value("now_" ~ number, attribute) }} as {{ attribute | ident }},
    {%- elif attribute in type_0 %}
    {{ value("first_" ~ number, attribute) }} as {{ attribute | ident }},
    {%- else %}
    {{ value("last_" ~ number, attribute) }} as {{ attribute | ident }},
    {%- endif %}
    {%- if attribute in type_3 %}
    {%- set move = type_3.index(attribute) + 1 %}
    {{ value("moved_" ~ move, attribute) }} as {{ ("previous_" ~ attribute) | ident }},
    p.changed_{{ move }}_at as {{ (attribute ~ "_changed_at") | ident }},
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
    p.is_inferred
-- the linter loses the line within the template's loop
-- noqa: disable=LT02
from placed as p
{%- for role in joined %}
left join history.{{ entity | ident }} as {{ role }}
    on {{ is_event(role, "p", role) }}
{%- endfor %}
-- noqa: enable=LT02
where
    p.is_alive
    and (p.next_change is null or p.next_change > timestamp '0001-01-01 00:00:00')
