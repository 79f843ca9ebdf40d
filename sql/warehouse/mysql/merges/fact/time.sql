{#- An instant has a day in the business time zone; a day begins there. -#}
{% macro day(column, type, alias) -%}
{%- if type == 'date' -%}
{{ alias }}.{{ column | ident }}
{%- else -%}
{{ (alias ~ "." ~ (column | ident)) | business_day }}
{%- endif -%}
{%- endmacro %}
{% macro instant(column, type, alias) -%}
{%- if type == 'date' -%}
{{ (alias ~ "." ~ (column | ident)) | business_instant }}
{%- else -%}
{{ alias }}.{{ column | ident }}
{%- endif -%}
{%- endmacro %}
