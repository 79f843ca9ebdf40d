{#- law F3, largest remainder: each line gets the whole cents of its share; the cents left over go
    one each to the lines with the largest remainders, ties by line number. All in exact cents:
    in integers of eight bytes where amount times weight fits into them, else in decimals. A
    quotient is always a whole one: other divisions round. -#}
{% macro cents(amount) -%}
cast({{ amount }} * 100 as signed)
{%- endmacro %}
{% macro _product(amount) -%}
(cast({{ amount }} as decimal(38, 0)) * w.weight)
{%- endmacro %}
{% macro whole_of(amount) -%}
case
            when {{ amount }} between 0 and 2000000000 and w.order_weight <= 4000000000
                then {{ amount }} * w.weight div w.order_weight
            -- a negative share is rounded down, too
            else
                {{ _product(amount) }} div w.order_weight
                - ({{ _product(amount) }} mod w.order_weight < 0)
        end
{%- endmacro %}
{% macro rest_of(amount, whole) -%}
case
            when {{ amount }} between 0 and 2000000000 and w.order_weight <= 4000000000
                then {{ amount }} * w.weight - {{ whole }} * w.order_weight
            else
                cast(
                    {{ _product(amount) }}
                    - cast({{ whole }} as decimal(38, 0)) * w.order_weight as signed
                )
        end
{%- endmacro %}
{% macro rank_of(rest) -%}
row_number() over (partition by w.order_id order by {{ rest }} desc, w.line_number)
{%- endmacro %}
{% macro share_of(amount, whole, rank) -%}
{{ whole }} + case
            when
                {{ rank }}
                <= {{ amount }} - cast(sum({{ whole }}) over (partition by s.order_id) as signed)
                then 1
            else 0
        end
{%- endmacro %}
{% macro money(cents) -%}
cast(({{ cents }}) * 0.01 as decimal(14, 2))
{%- endmacro %}
