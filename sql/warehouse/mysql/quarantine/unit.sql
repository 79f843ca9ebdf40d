-- LT02: the linter sees a macro's statement without where it is filled in
-- noqa: disable=LT02
-- grain: statements that take with an entry what waits with it of the same run
-- reads: audit.quarantine, {{ schema }}._replayed
{% import "quarantine/matching.sql" as matching -%}
{%- macro take(wanted, wanted_members, chosen, chosen_members) -%}
insert into {{ schema | ident }}._replayed (quarantine_id, table_name)
with chosen as (
    select distinct {{ matching.key_of("c", chosen_members) | indent }} as unit_key
    from audit.quarantine as c
    inner join {{ schema | ident }}._replayed as r on c.quarantine_id = r.quarantine_id
    where c.table_name = {{ chosen | literal }}
)

select
    w.quarantine_id,
    w.table_name
from audit.quarantine as w
inner join chosen as c on {{ matching.key_of("w", wanted_members) | indent }} = c.unit_key
where
    w.run_id = %(original_run)s
    and w.status = 'open'
    and w.table_name = {{ wanted | literal }}
    and not exists (
        select 1 from {{ schema | ident }}._replayed as r where r.quarantine_id = w.quarantine_id
    )
{%- endmacro %}

-- name: take_parents
{{ take(parent_table, keys.values(), child_table, keys) }};

-- name: take_children
{{ take(child_table, keys, parent_table, keys.values()) }};
