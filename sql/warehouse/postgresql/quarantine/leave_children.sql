-- grain: one entry of {{ child_table }} left out of a replay per child of an entry set apart:
-- every parent that waits was taken along, so that one that is not among the chosen was
-- reads: audit.quarantine, {{ schema }}._replayed
delete from {{ schema | ident }}._replayed as r
using audit.quarantine as c
where
    r.quarantine_id = c.quarantine_id
    and r.table_name = {{ child_table | literal }}
    and exists (
        select from audit.quarantine as p
        where
            p.run_id = c.run_id
            and p.table_name = {{ parent_table | literal }}
            and p.status = 'open'
            {%- for named, own in keys.items() %}
            and p.payload -> {{ own | literal }} = c.payload -> {{ named | literal }}
            {%- endfor %}
            and not exists (
                select from {{ schema | ident }}._replayed as o
                where o.quarantine_id = p.quarantine_id
            )
    )
