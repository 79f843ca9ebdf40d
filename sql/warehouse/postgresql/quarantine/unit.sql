-- LT02: the linter sees a macro's statement without where it is filled in
-- noqa: disable=LT02
-- grain: statements that take with an entry what waits with it of the same run
-- reads: audit.quarantine, {{ schema }}._replayed
{%- macro take(wanted, chosen, pairs, is_child=false) -%}
insert into {{ schema | ident }}._replayed (quarantine_id, table_name)
select
    w.quarantine_id,
    w.table_name
from audit.quarantine as w
where
    w.run_id = %(original_run)s
    and w.status = 'open'
    and w.table_name = {{ wanted | literal }}
    and exists (
        select from audit.quarantine as c
        inner join {{ schema | ident }}._replayed as r on c.quarantine_id = r.quarantine_id
        where
            c.table_name = {{ chosen | literal }}
            {%- for child, own in pairs %}
            and {{ "w" if is_child else "c" }}.payload -> {{ child | literal }}
            = {{ "c" if is_child else "w" }}.payload -> {{ own | literal }}
            {%- endfor %}
    )
on conflict do nothing
{%- endmacro %}

-- name: take_parents
{{ take(parent_table, child_table, keys.items()) }};

-- name: take_children
{{ take(child_table, parent_table, keys.items(), is_child=true) }};
