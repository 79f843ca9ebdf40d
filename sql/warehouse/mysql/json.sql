{#-
grain: values of columns as parts of JSON documents, as PostgreSQL's to_jsonb has them, and back

Payloads and keys of the quarantine are such documents. Numbers keep their digits; instants, dates
and times are texts without zeros at the end of a fraction, bytes are hexadecimal, documents are nested.
Documents that are equal have the same text here: members stand in one order, short names first.
Types are those of the catalog.
-#}
{%- from "read_as.sql" import read_as -%}

{#- A value to be put into json_object or json_array. -#}
{%- macro value(sql, type) -%}
{%- if type == "boolean" -%}
json_extract({{ text(sql, type) }}, '$')
{%- elif type == "timestamp" -%}
concat({{ _short("date_format(" ~ sql ~ ", '%%Y-%%m-%%dT%%T.%%f')") }}, '+00:00')
{%- elif type == "json" -%}
json_extract(cast({{ sql }} as char), '$')
{%- elif type in ["date", "time", "bytes"] -%}
{{ text(sql, type) }}
{%- else -%}
{{ sql }}
{%- endif -%}
{%- endmacro -%}

{#- What such a value is as a text within its document. -#}
{%- macro value_text(sql, type) -%}
cast(json_extract(json_array({{ value(sql, type) }}), '$[0]') as char)
{%- endmacro -%}

{#- A document of columns: name -> type. -#}
{%- macro document(alias, columns) -%}
json_object({{ _members(alias, columns) }})
{%- endmacro -%}

{%- macro _members(alias, columns) -%}
{%- for name in columns | by_length -%}
{{ name | literal }}, {{ value(alias ~ "." ~ (name | ident), columns[name]) }}
{{- ", " if not loop.last }}
{%- endfor -%}
{%- endmacro -%}

{#- The same of a whole row: "_json_nulls" names the columns that hold the null of a document, which
    nothing else tells from no value. -#}
{%- macro payload(alias, columns) -%}
{%- set nulls = _nulls(alias, columns) -%}
{%- if nulls -%}
case
    when coalesce({{ nulls }}) is null then {{ document(alias, columns) }}
    else
        json_insert(
            {{ document(alias, columns) }},
            '$._json_nulls',
            json_extract(concat('[', concat_ws(', ', {{ nulls }}), ']'), '$')
        )
end
{%- else -%}
{{ document(alias, columns) }}
{%- endif -%}
{%- endmacro -%}

{%- macro _nulls(alias, columns) -%}
{%- for name in columns | sort if columns[name] == "json" -%}
case json_type({{ alias }}.{{ name | ident }}) when 'NULL' then {{ name | quoted | literal }} end
{{- ", " if not loop.last }}
{%- endfor -%}
{%- endmacro -%}

{#- The text of a value, as PostgreSQL's cast to text has it, but for doubles. -#}
{%- macro text(sql, type) -%}
{%- if type == "text" or type == "uuid" -%}
{{ sql }}
{%- elif type == "boolean" -%}
case {{ sql }} when true then 'true' when false then 'false' end
{%- elif type == "timestamp" -%}
concat({{ _short("date_format(" ~ sql ~ ", '%%Y-%%m-%%d %%T.%%f')") }}, '+00')
{%- elif type == "date" -%}
date_format({{ sql }}, '%%Y-%%m-%%d')
{%- elif type == "time" -%}
{{ _short("time_format(" ~ sql ~ ", '%%T.%%f')") }}
{%- elif type == "bytes" -%}
concat('\\x', lower(hex({{ sql }})))
{%- else -%}
cast({{ sql }} as char)
{%- endif -%}
{%- endmacro -%}

{#- A text as JSON has it, of the collation that all texts have. -#}
{%- macro quoted(sql) -%}
cast(json_quote({{ sql }}) as char)
{%- endmacro -%}

{#- A document that takes these members out of another, by json_merge_patch. -#}
{%- macro without(names) -%}
{{ ("{" ~ _null_members(names) ~ "}") | literal }}
{%- endmacro -%}

{%- macro _null_members(names) -%}
{%- for name in names %}{{ name | quoted }}: null{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro -%}

{#- A member of a document, as JSON. -#}
{%- macro member(sql, name) -%}
{{ name | json_member(sql) }}
{%- endmacro -%}

{#- The text of a member, as ->> has it; NULL for null. -#}
{%- macro member_text(sql, name) -%}
{{ sql | json_text(name) }}
{%- endmacro -%}

{#- A member of a payload as a value of its type; NULL where it is none. -#}
{%- macro read(sql, name, type) -%}
{%- if type == "json" -%}
case
    when json_type({{ member(sql, name) }}) != 'NULL' then {{ member(sql, name) }}
    when json_contains({{ sql }}, {{ name | quoted | literal }}, '$._json_nulls')
        then json_extract('null', '$')
end
{%- else -%}
{{ read_as(member_text(sql, name), type) }}
{%- endif -%}
{%- endmacro -%}

{#- Without zeros at the end of its fraction. -#}
{%- macro _short(sql) -%}
trim(trailing '.' from trim(trailing '0' from {{ sql }}))
{%- endmacro -%}
