-- grain: statements that convert the amounts of {{ relation }} at the rate of the day (law F4)
-- reads: {{ schema }}.{{ relation }}, warehouse.fact_exchange_rates (units for one euro)
-- Session and days are in UTC. A quotient is rounded once, halves away from zero: numeric's own
-- division has limited digits.
{% import "staging/quarantine.sql" as quarantine -%}
{%- macro day_of(alias) -%}
coalesce(({{ alias }}.{{ at | ident }} at time zone 'UTC')::date, '-infinity')
{%- endmacro %}
{%- macro steps_of(amount, digits) -%}
div(abs({{ amount }}::numeric) * r.to_rate * {{ digits.halves }} + r.from_rate, 2 * r.from_rate)
{%- endmacro %}

-- name: find_rates
create temporary table rates_found on commit drop as
with wanted as (
    select distinct
        s.{{ currency | ident }} as currency_code,
        {{ day_of('s') }} as rate_date
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ currency | ident }} is not null
),

quoted as (
    select distinct q.currency_code
    from warehouse.fact_exchange_rates as q
)

select
    w.currency_code,
    w.rate_date,
    w.currency_code in ('EUR', %(to)s) or q.currency_code is not null as is_known,
    case when w.currency_code in ('EUR', %(to)s) then 1 else f.rate end as from_rate,
    case %(to)s when w.currency_code then 1 when 'EUR' then 1 else t.rate end as to_rate
from wanted as w
left join quoted as q on w.currency_code = q.currency_code
left join lateral (
    select e.rate
    from warehouse.fact_exchange_rates as e
    where
        e.currency_code = w.currency_code
        and e.rate_date between w.rate_date - %(max_days)s and w.rate_date
        and e.rate > 0
    order by e.rate_date desc
    limit 1
) as f on true
left join lateral (
    select e.rate
    from warehouse.fact_exchange_rates as e
    where
        e.currency_code = %(to)s
        and e.rate_date between w.rate_date - %(max_days)s and w.rate_date
        and e.rate > 0
    order by e.rate_date desc
    limit 1
) as t on true;

-- name: quarantine
with judged as (
    select
        s._row,
        case
            when num_nonnulls({{ amounts | idents('s') }}) = 0 then null
            when r.is_known is not true then 'currency_is_unknown'
            when num_nulls(r.from_rate, r.to_rate) > 0 then 'rate_is_missing'
            {%- for column, digits in amounts.items() %}
            when {{ steps_of("s." ~ (column | ident), digits) }} >= {{ digits.limit }}
                then 'converted_amount_does_not_fit'
            {%- endfor %}
        end as _broken_rule
    from {{ schema | ident }}.{{ relation | ident }} as s
    left join rates_found as r
        on s.{{ currency | ident }} = r.currency_code and {{ day_of('s') }} = r.rate_date
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using judged as j
    where s._row = j._row and j._broken_rule is not null
    returning s.*, j._broken_rule
),

{{ quarantine.keep_taken(
    schema, grain, json_columns, "array[t._broken_rule]", ("_row", "_broken_rule")
) }};

-- name: convert
with changed as (
    update {{ schema | ident }}.{{ relation | ident }} as s
    set
        {%- for column, digits in amounts.items() %}
        {{ digits.into | ident }} = sign(s.{{ column | ident }}::numeric) * {{ digits.unit }}
        * {{ steps_of("s." ~ (column | ident), digits) }},
        {%- endfor %}
        {{ rate.into | ident }} = {{ rate.unit }} * {{ steps_of("1", rate) }}
    from rates_found as r
    where
        s.{{ currency | ident }} = r.currency_code
        and {{ day_of('s') }} = r.rate_date
        and num_nulls(r.from_rate, r.to_rate) = 0
    returning num_nonnulls(s.{{ rate.into | ident }}, {{ made | idents('s') }}) as value_count
)

select coalesce(sum(c.value_count), 0) from changed as c;

-- name: close
drop table rates_found
