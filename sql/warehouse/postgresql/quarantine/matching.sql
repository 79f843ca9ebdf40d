-- LT02: the linter sees a macro's condition without the statement around it
-- noqa: disable=LT02
{#- Which entries a person means; an empty list asks nothing. A run is named by the beginning
    of its id, a key by a value, or by column=value. -#}
{% macro matches() -%}
q.status = 'open'
and (%(tables)s::text[] = '{}' or q.table_name = any(%(tables)s))
and (%(rules)s::text[] = '{}' or q.rules && %(rules)s::text[])
and (%(ids)s::bigint[] = '{}' or q.quarantine_id = any(%(ids)s::bigint[]))
and (
    %(older_than_days)s = 0
    or exists (
        select from audit.runs as o
        where
            o.run_id = q.run_id
            and o.started_at <= current_timestamp - %(older_than_days)s * interval '1 day'
    )
)
and (
    %(runs)s::text[] = '{}'
    or exists (select from unnest(%(runs)s::text[]) as n (run_id) where starts_with(q.run_id, n.run_id))
)
and (
    %(keys)s::text[] = '{}'
    or exists (
        select from jsonb_each_text(q.row_key) as k (name, value)
        where k.value = any(%(keys)s) or k.name || '=' || k.value = any(%(keys)s)
    )
)
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
            select from audit.quarantine as p
            where
                p.run_id = c.run_id
                and p.table_name = {{ part.parent | literal }}
                and p.status = 'open'
                {%- for child, own in part["keys"].items() %}
                and p.payload -> {{ own | literal }} = c.payload -> {{ child | literal }}
                {%- endfor %}
        )
    union all
    {%- endfor %}
    -- law F5: what a step computes from all rows of a batch, it had not computed of these
    select c.quarantine_id
    from audit.quarantine as c
    where
        c.table_name = any(array[
            {%- for n in unfinished %}{{ n | literal }}{{ ", " if not loop.last }}{% endfor -%}
        ]::text[])
        and c.status = 'open'
        and c.rules && %(early_rules)s::text[]
)
{%- endmacro %}
