-- grain: one entry of {{ child_table }} left out of a replay per child of an entry set apart:
-- every parent that waits was taken along, so that one that is not among the chosen was
-- reads: audit.quarantine, {{ schema }}._replayed
{% import "quarantine/matching.sql" as matching -%}
drop temporary table if exists audit.left_entries;
create temporary table audit.left_entries (quarantine_id bigint primary key) as
with left_parents as (
    select
        p.run_id,
        {{ matching.key_of("p", keys.values()) | indent(8) }} as parent_key
    from audit.quarantine as p
    left join {{ schema | ident }}._replayed as o on p.quarantine_id = o.quarantine_id
    where
        p.table_name = {{ parent_table | literal }}
        and p.status = 'open'
        and o.quarantine_id is null
)

select distinct r.quarantine_id
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as c on r.quarantine_id = c.quarantine_id
inner join left_parents as p
    on c.run_id = p.run_id and {{ matching.key_of("c", keys) | indent(8) }} = p.parent_key
where r.table_name = {{ child_table | literal }};

delete from {{ schema | ident }}._replayed
using {{ schema | ident }}._replayed
inner join audit.left_entries as l on _replayed.quarantine_id = l.quarantine_id;
