{#- An instant has a day in the business time zone; a day begins there. -#}
{% macro day(column, type, alias, zone) -%}
{%- if type == 'date' -%}
{{ alias }}.{{ column | ident }}
{%- else -%}
({{ alias }}.{{ column | ident }} at time zone {{ zone }})::date
{%- endif -%}
{%- endmacro %}
{% macro instant(column, type, alias, zone) -%}
{%- if type == 'date' -%}
({{ alias }}.{{ column | ident }}::timestamp at time zone {{ zone }})
{%- else -%}
{{ alias }}.{{ column | ident }}
{%- endif -%}
{%- endmacro %}
