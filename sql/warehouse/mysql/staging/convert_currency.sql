-- grain: statements that convert the amounts of {{ relation }} at the rate of the day (law F4)
-- reads: {{ schema }}.{{ relation }}, warehouse.fact_exchange_rates (units for one euro)
-- Session and days are in UTC. A quotient is rounded once, halves away from zero: it is a whole
-- number of units, and what "mod" takes away leaves no digits for a division to lose.
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% import "staging/quarantine.sql" as quarantine -%}
{%- set no_day = "date '0001-01-01'" -%}
{%- macro day_of(alias) -%}
coalesce(cast({{ alias }}.{{ at | ident }} as date), {{ no_day }})
{%- endmacro %}
{%- macro first_day() -%}
case
    when w.rate_date = {{ no_day }} then w.rate_date
    else w.rate_date - interval %(max_days)s day
end
{%- endmacro %}
{#- Both sides of the fraction in units of the source: no factor has digits to be cut off. -#}
{%- macro fraction_of(amount, digits) -%}
{%- set more = digits.scale - digits.source_scale -%}
{%- set source_units = "abs(" ~ amount ~ ") * 1" ~ "0" * digits.source_scale -%}
{%- set units = "cast(" ~ source_units ~ " as decimal(65, 0))" -%}
{%- if more >= 0 -%}
{{ _quotient(units ~ " * r.to_rate", "2" ~ "0" * more, "1") }}
{%- else -%}
{{ _quotient(units ~ " * r.to_rate", "2", "1" ~ "0" * -more) }}
{%- endif -%}
{%- endmacro %}
{#- The nearest whole number to amount * times / (2 * below), all times the rate. -#}
{%- macro _quotient(amount, times, below) -%}
{%- set above = amount ~ " * " ~ times ~ " + r.from_rate * " ~ below -%}
{%- set divisor = "(2 * r.from_rate * " ~ below ~ ")" -%}
cast(({{ above }} - mod({{ above }}, {{ divisor }})) / {{ divisor }} as decimal(65, 0))
{%- endmacro %}
{%- macro rate_of(code) -%}
(
    select e.rate
    from warehouse.fact_exchange_rates as e
    where
        e.currency_code = {{ code }}
        and e.rate_date between {{ first_day() }} and w.rate_date
        and e.rate > 0
    order by e.rate_date desc
    limit 1
)
{%- endmacro %}

-- name: find_rates
drop temporary table if exists audit.rates_found;
create temporary table audit.rates_found (
    rate_date date, index (currency_code(16), rate_date)
) as
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
    case
        when w.currency_code in ('EUR', %(to)s) then 1
        else {{ rate_of("w.currency_code") }}
    end as from_rate,
    case %(to)s
        when w.currency_code then 1
        when 'EUR' then 1
        else {{ rate_of("%(to)s") }}
    end as to_rate
from wanted as w
left join quoted as q on w.currency_code = q.currency_code;

-- name: quarantine
{{ quarantine.open() }}
insert into audit.taken_rows (_row, rules)
with judged as (
    select
        s._row,
        case
            when
                {% for column in amounts %}s.{{ column | ident }} is null
                {{- " and " if not loop.last }}{% endfor %} then null
            when not coalesce(r.is_known, false) then 'currency_is_unknown'
            when r.from_rate is null or r.to_rate is null then 'rate_is_missing'
            {%- for column, digits in amounts.items() %}
            -- much too large, where the fraction may have more digits than there are
            when
                abs(cast(s.{{ column | ident }} as double)) * r.to_rate / r.from_rate
                >= 1e{{ digits.precision - digits.scale + 1 }}
                then 'converted_amount_does_not_fit'
            when {{ fraction_of("s." ~ (column | ident), digits) }} >= {{ digits.limit }}
                then 'converted_amount_does_not_fit'
            {%- endfor %}
        end as broken_rule
    from {{ schema | ident }}.{{ relation | ident }} as s
    left join audit.rates_found as r
        on s.{{ currency | ident }} = r.currency_code and {{ day_of('s') }} = r.rate_date
)

select
    j._row,
    json_array(j.broken_rule)
from judged as j
where j.broken_rule is not null;
{{ quarantine.move(schema, relation, grain, staged) }};

-- name: convert
update {{ schema | ident }}.{{ relation | ident }} as s
inner join audit.rates_found as r
    on s.{{ currency | ident }} = r.currency_code and {{ day_of('s') }} = r.rate_date
set
    {%- for column, digits in amounts.items() %}
    s.{{ digits.into | ident }} = sign(s.{{ column | ident }}) * {{ digits.unit }}
    * {{ fraction_of("s." ~ (column | ident), digits) }},
    {%- endfor %}
    s.{{ rate.into | ident }} = {{ rate.unit }} * {{ fraction_of("1", rate) }}
where r.from_rate is not null and r.to_rate is not null;

select
    coalesce(
        sum(
            (s.{{ rate.into | ident }} is not null)
            {%- for column in made %}
            + (s.{{ column | ident }} is not null)
            {%- endfor %}
        ), 0
    ) as value_count
from {{ schema | ident }}.{{ relation | ident }} as s
inner join audit.rates_found as r
    on s.{{ currency | ident }} = r.currency_code and {{ day_of('s') }} = r.rate_date
where r.from_rate is not null and r.to_rate is not null;

-- name: close
drop temporary table if exists audit.rates_found;
