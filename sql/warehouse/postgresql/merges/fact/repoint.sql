-- grain: one row per row of {{ fact }} whose member has another version at its time (law S8)
-- reads: warehouse.{{ fact }}, warehouse.{{ found.relation }}
{% import "merges/lookup.sql" as lookup -%}
{% import "merges/fact/time.sql" as time -%}
with versions as (
    {{ lookup.versions(found) }}
)

update warehouse.{{ fact | ident }} as f
set
    {{ column | ident }} = v.{{ found.surrogate | ident }},
    updated_run_id = %(run_id)s
from warehouse.{{ found.relation | ident }} as d
inner join versions as v on {{ found.columns | equal('v', 'd') }}
where
    f.{{ column | ident }} = d.{{ found.surrogate | ident }}
    and v.holds_from <= {{ time.instant(at, at_type, 'f') }}
    and {{ time.instant(at, at_type, 'f') }} < v.holds_to
    and f.{{ column | ident }} != v.{{ found.surrogate | ident }}
