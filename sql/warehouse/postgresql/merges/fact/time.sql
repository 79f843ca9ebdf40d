{#- An instant has a day in the business time zone; a day begins there. -#}
{% macro day(column, type, alias) -%}
{%- if type == 'date' -%}
{{ alias }}.{{ column | ident }}
{%- else -%}
({{ alias }}.{{ column | ident }} at time zone %(business_time_zone)s)::date
{%- endif -%}
{%- endmacro %}
{% macro instant(column, type, alias) -%}
{%- if type == 'date' -%}
({{ alias }}.{{ column | ident }}::timestamp at time zone %(business_time_zone)s)
{%- else -%}
{{ alias }}.{{ column | ident }}
{%- endif -%}
{%- endmacro %}
