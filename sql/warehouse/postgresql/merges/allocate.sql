{#- law F3, largest remainder: each line gets the whole cents of its share; the cents left over go
    one each to the lines with the largest remainders, ties by line number. All in exact cents:
    in integers of eight bytes where amount times weight fits into them, else in numerics. -#}
{% macro cents(amount) -%}
({{ amount }} * 100)::bigint
{%- endmacro %}
{% macro whole_of(amount) -%}
case
            when {{ amount }} between 0 and 2000000000 and w.order_weight <= 4000000000
                then {{ amount }} * w.weight / w.order_weight
            else floor({{ amount }}::numeric * w.weight / w.order_weight)::bigint
        end
{%- endmacro %}
{% macro rest_of(amount, whole) -%}
case
            when {{ amount }} between 0 and 2000000000 and w.order_weight <= 4000000000
                then {{ amount }} * w.weight - {{ whole }} * w.order_weight
            else
                ({{ amount }}::numeric * w.weight - {{ whole }}::numeric * w.order_weight)::bigint
        end
{%- endmacro %}
{% macro rank_of(rest) -%}
row_number() over (partition by w.order_id order by {{ rest }} desc, w.line_number)
{%- endmacro %}
{% macro share_of(amount, whole, rank) -%}
{{ whole }} + case
            when {{ rank }} <= {{ amount }} - (sum({{ whole }}) over (partition by s.order_id))::bigint
                then 1
            else 0
        end
{%- endmacro %}
{% macro money(cents) -%}
(({{ cents }}) * 0.01)::numeric(14, 2)
{%- endmacro %}
