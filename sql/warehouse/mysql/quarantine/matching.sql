-- LT02: the linter sees a macro's condition without the statement around it
-- noqa: disable=LT02
{%- import "json.sql" as json -%}
{#- Which entries a person means; an empty list asks nothing. A run is named by the beginning
    of its id, a key by a value, or by column=value. -#}
{% macro matches() -%}
q.status = 'open'
and (json_length(%(tables)s) = 0 or q.table_name in ({{ listed("%(tables)s") }}))
and (
    json_length(%(rules)s) = 0
    or exists (
        select 1 from {{ rules_of("q") }} as b
        where cast(b.rule as char) in ({{ listed("%(rules)s") }})
    )
)
and (json_length(%(ids)s) = 0 or q.quarantine_id in ({{ listed_numbers("%(ids)s") }}))
and (
    %(older_than_days)s = 0
    or exists (
        select 1 from audit.runs as o
        where
            o.run_id = q.run_id
            and o.started_at <= utc_timestamp(6) - interval %(older_than_days)s day
    )
)
and (
    json_length(%(runs)s) = 0
    or exists (
        select 1
        from json_table(%(runs)s, '$[*]' columns (run_id longtext path '$')) as n
        where left(q.run_id, char_length(n.run_id)) = cast(n.run_id as char)
    )
)
and (
    json_length(%(keys)s) = 0
    or exists (
        select 1
        from
            json_table(
                json_keys(q.row_key),
                '$[*]' columns (place for ordinality, name longtext path '$')
            ) as k
        inner join json_table(%(keys)s, '$[*]' columns (asked longtext path '$')) as g
            on
                cast(g.asked as char) = {{ part_of_key() }}
                or cast(g.asked as char) = concat(cast(k.name as char), '=', {{ part_of_key() }})
    )
)
{%- endmacro %}
{#- The values of a list, for "in". -#}
{% macro listed(list) -%}
select cast(j.listed as char)
from json_table({{ list }}, '$[*]' columns (listed longtext path '$')) as j
{%- endmacro %}
{% macro listed_numbers(list) -%}
select j.listed from json_table({{ list }}, '$[*]' columns (listed bigint path '$')) as j
{%- endmacro %}
{#- The rules that an entry broke; to be cast, as json_table gives them a collation of its own. -#}
{% macro rules_of(alias) -%}
json_table({{ alias }}.rules, '$[*]' columns (rule longtext path '$'))
{%- endmacro %}
{% macro part_of_key() -%}
{#- By its place, as MariaDB has no path to all names. -#}
{%- set member = "json_extract(json_extract(q.row_key, '$.*'), concat('$[', k.place - 1, ']'))" -%}
case
    when json_type({{ member }}) != 'NULL' then cast(json_unquote({{ member }}) as char)
end
{%- endmacro %}
{#- A value that is the same for the same values of some members of a payload; NULL where it lacks
    one. -#}
{% macro key_of(alias, members) -%}
unhex(md5(concat(
    {%- for member in members %}
    cast({{ json.member(alias ~ ".payload", member) }} as char){{ ", ' ', " if not loop.last }}
    {%- endfor %}
)))
{%- endmacro %}
{#- Entries that cannot be loaded from what is kept of them. -#}
{% macro incomplete(parts, unfinished) -%}
incomplete as (
    {%- for part in parts %}
    -- what belongs to a parent that was loaded without it is loaded as a whole or not at all
    select c.quarantine_id
    from audit.quarantine as c
    where
        c.table_name = {{ part.child | literal }}
        and c.status = 'open'
        and not exists (
            select 1
            from (
                select
                    p.run_id,
                    {{ key_of("p", part["keys"].values()) | indent(20) }} as parent_key
                from audit.quarantine as p
                where p.table_name = {{ part.parent | literal }} and p.status = 'open'
            ) as w
            where w.run_id = c.run_id and w.parent_key = {{ key_of("c", part["keys"]) | indent(12) }}
        )
    union all
    {%- endfor %}
    -- law F5: what a step computes from all rows of a batch, it had not computed of these
    select c.quarantine_id
    from audit.quarantine as c
    where
        c.table_name in (
            {%- for n in unfinished %}
            {{ n | literal }}{{ ", " if not loop.last }}
            {%- else %}
            null
            {%- endfor %}
        )
        and c.status = 'open'
        and exists (
            select 1 from {{ rules_of("c") }} as b
            where cast(b.rule as char) in ({{ listed("%(early_rules)s") }})
        )
)
{%- endmacro %}
