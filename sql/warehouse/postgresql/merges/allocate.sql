{#- law F3, largest remainder: each line gets the whole cents of its share; the cents left over go
    one each to the lines with the largest remainders, ties by line number. All in exact numerics. -#}
{% macro floor_of(amount) -%}
floor({{ amount }} * 100 * w.weight / w.order_weight)
{%- endmacro %}
{% macro rank_of(amount) -%}
row_number() over (
            partition by w.order_id
            order by
                {{ amount }} * 100 * w.weight - {{ floor_of(amount) }} * w.order_weight desc,
                w.line_number
        )
{%- endmacro %}
{% macro share_of(amount, whole, rank) -%}
((
            {{ whole }} + case
                when {{ rank }} <= {{ amount }} * 100 - sum({{ whole }}) over (partition by s.order_id)
                    then 1
                else 0
            end
        ) / 100)::numeric(14, 2)
{%- endmacro %}
