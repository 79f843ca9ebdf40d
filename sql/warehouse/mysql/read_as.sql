{#-
grain: one value: a text as a source landed it, read as the type of a column

What cannot be read is NULL, and equals no key: keys of rejected rows are known by their landed
text only (law Q2). No warning is ever raised, which would fail a statement that writes. Texts that
only PostgreSQL reads are NULL: dates that are not ISO 8601, hexadecimal numbers, 24:00, infinity,
what is finer than a microsecond, and numbers of more digits than a decimal has here.

text: SQL of the text, NULL where there is none; it is repeated. type: of the catalog's grammar, or
decimal without digits.
#}
{%- macro read_as(text, type) -%}
{%- set bare = "regexp_replace(" ~ text ~ ", '^[[:space:]]+|[[:space:]]+$', '')" -%}
{%- if type == "text" -%}
{{ text }}
{%- elif type in ["bigint", "integer", "smallint"] -%}
{{ _whole(bare, {"bigint": 63, "integer": 31, "smallint": 15}[type]) }}
{%- elif type.startswith("decimal") -%}
{{ _decimal(bare, type) }}
{%- elif type == "double" -%}
{{ _double(bare) }}
{%- elif type == "boolean" -%}
{{ _boolean(bare) }}
{%- elif type == "date" -%}
{{ _date(bare) }}
{%- elif type == "timestamp" -%}
{{ _timestamp(bare) }}
{%- elif type == "time" -%}
{{ _time(bare) }}
{%- elif type == "uuid" -%}
{{ _uuid(text) }}
{%- elif type == "json" -%}
{{ _json(text) }}
{%- elif type == "bytes" -%}
{{ _bytes(text) }}
{%- endif -%}
{%- endmacro -%}

{%- macro _whole(bare, bits) -%}
case
    when {{ bare }} regexp '^[+-]?0*[0-9]{1,19}$' then
        case
            when cast({{ bare }} as decimal(20, 0))
            between -{{ 2 ** bits }} and {{ 2 ** bits - 1 }} then cast({{ bare }} as signed)
        end
end
{%- endmacro -%}

{%- macro _decimal(bare, type) -%}
{%- set precision, scale = (type[8:-1].split(",") if "(" in type else ["65", "30"]) | map("int") -%}
{#- As many digits after the point as there is room for; a value with more is not of the type. -#}
{%- set after = [30, 65 - precision + scale] | min -%}
{%- set before = 65 - after -%}
case
    when {{ bare }} regexp
    '^[+-]?0*([0-9]{1,{{ before }}}([.][0-9]{0,{{ after }}}0*)?|[.][0-9]{1,{{ after }}}0*)$'
        then cast({{ bare }} as decimal(65, {{ after }}))
    when
        {{ bare }} regexp
        '^[+-]?0*([0-9]{1,30}([.][0-9]{0,30})?|[.][0-9]{1,30})[eE][+-]?0*[0-9]{1,2}$'
        then
        case
            when
                abs(cast({{ bare }} as double)) < 1e{{ before - 1 }}
                -- What is nearer to zero than the last digit is not zero.
                and cast({{ bare }} as double)
                = cast(cast({{ bare }} as decimal(65, {{ after }})) as double)
                then cast({{ bare }} as decimal(65, {{ after }}))
        end
end
{%- endmacro -%}

{%- macro _double(bare) -%}
case
    when {{ bare }} regexp '^[+-]?([0-9]{1,300}([.][0-9]*)?|[.][0-9]+)$' then cast({{ bare }} as double)
    when
        {{ bare }} regexp
        '^[+-]?([0-9]{1,300}([.][0-9]*)?|[.][0-9]+)[eE][+-]?0*[0-9]{1,3}$' then
        case
            when cast(substring_index(lower({{ bare }}), 'e', 1) as double) = 0 then 0e0
            when
                log10(abs(cast(substring_index(lower({{ bare }}), 'e', 1) as double)))
                + cast(substring_index(lower({{ bare }}), 'e', -1) as signed)
                between -323.306 and 308.25471555 then cast({{ bare }} as double)
            -- A logarithm does not tell the largest doubles from what is none.
            when {{ bare }} regexp '^[+-]?1[.][0-9]{1,30}[eE][+]?0*308$' then
                case
                    when
                        abs(cast(substring_index(lower({{ bare }}), 'e', 1) as decimal(31, 30)))
                        < 1.797693134862315807 then cast({{ bare }} as double)
                end
        end
end
{%- endmacro -%}

{%- macro _boolean(bare) -%}
case
    when lower({{ bare }}) in ('1', 't', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on') then true
    when
        lower({{ bare }}) in (
            '0', 'f', 'fa', 'fal', 'fals', 'false', 'n', 'no', 'of', 'off'
        ) then false
end
{%- endmacro -%}

{%- macro _is_day(bare) -%}
case
    when {{ bare }} regexp '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' then
        left({{ bare }}, 4) != '0000'
        and substr({{ bare }}, 9, 2) <= day(last_day(concat(left({{ bare }}, 8), '01')))
end
{%- endmacro -%}

{%- macro _date(bare) -%}
case
    when {{ _is_day(bare) }} then
        case
            when {{ bare }} regexp '^.{10}$|{{ _instant_form() }}' then cast(left({{ bare }}, 10) as date)
        end
end
{%- endmacro -%}

{%- macro _timestamp(bare) -%}
{%- set local = "regexp_substr(" ~ bare ~ ", '^.{11}[0-9:]+([.][0-9]{1,6})?')" -%}
{%- set zone = "regexp_substr(substr(" ~ bare ~ ", 11), '[+-][0-9:]+$')" -%}
{%- set of_day = "(substr(" ~ bare ~ ", 12, 2) * 60 + substr(" ~ bare ~ ", 15, 2))" -%}
{%- set offset = _minutes(zone) -%}
case
    when {{ _is_day(bare) }} then
        case
            when {{ bare }} regexp '^.{10}$' then cast({{ bare }} as datetime(6))
            when {{ bare }} not regexp '{{ _instant_form() }}' then null
            when coalesce({{ zone }}, '') regexp '^([+-][0:]+)?$'
                then cast({{ local }} as datetime(6))
            -- Only on its first and its last day an offset can leave the calendar.
            when
                case left({{ bare }}, 10)
                    when '0001-01-01' then {{ of_day }} >= {{ offset }}
                    when '9999-12-31' then {{ of_day }} - {{ offset }} < 1440
                    else true
                end
                then cast({{ local }} as datetime(6)) - interval {{ offset }} minute
        end
end
{%- endmacro -%}

{#- Of an offset from UTC, such as +02, -0730 or +05:45. -#}
{%- macro _minutes(zone) -%}
cast(concat(left({{ zone }}, 1), '1') as signed) * (
    substr({{ zone }}, 2, 2) * 60
    + coalesce(nullif(substr(replace({{ zone }}, ':', ''), 4), ''), '0')
)
{%- endmacro -%}

{%- macro _time(bare) -%}
case
    when {{ bare }} regexp '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6}0*)?)?$'
        then cast({{ bare }} as time(6))
end
{%- endmacro -%}

{#- What stands behind a date; an instant without zone is UTC. -#}
{%- macro _instant_form() -%}
^.{10}[ Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6}0*)?)?( *([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?))?$
{%- endmacro -%}

{%- macro _uuid(text) -%}
case
    when
        {{ text }} regexp
        '^(([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}|\\{([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\\})$'
        then
        insert(insert(insert(insert(
            lower(regexp_replace({{ text }}, '[^0-9a-fA-F]', '')), 9, 0, '-'
        ), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')
end
{%- endmacro -%}

{%- macro _json(text) -%}
case
    when json_valid({{ text }}) and {{ text }} not regexp '(^|[^\\\\])(\\\\\\\\)*\\\\u0000'
        then json_extract({{ text }}, '$')
end
{%- endmacro -%}

{%- macro _bytes(text) -%}
case
    when {{ text }} regexp '^\\\\x([0-9a-fA-F]{2})*$' then unhex(substr({{ text }}, 3))
    when locate('\\', {{ text }}) = 0 then cast({{ text }} as binary)
end
{%- endmacro -%}
