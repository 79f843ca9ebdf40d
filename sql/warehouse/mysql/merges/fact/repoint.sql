-- grain: one row per row of {{ fact }} whose member has another version at its time (law S8)
-- reads: warehouse.{{ fact }}, warehouse.{{ found.relation }}
-- all: the linter knows no update of MySQL with several joins
-- noqa: disable=all
{% import "merges/lookup.sql" as lookup -%}
{% import "merges/fact/time.sql" as time -%}
drop temporary table if exists audit.moved_versions;
create temporary table audit.moved_versions (
    holds_from datetime(6),
    holds_to datetime(6),
    index ({{ found.columns | idents }}, holds_from)
) as
{{ lookup.versions(found) }};

update warehouse.{{ fact | ident }} as f
inner join warehouse.{{ found.relation | ident }} as d
    on f.{{ column | ident }} = d.{{ found.surrogate | ident }}
inner join audit.moved_versions as v
    on
        {{ found.columns | equal('v', 'd') }}
        and v.holds_from <= {{ time.instant(at, at_type, 'f') }}
        and {{ time.instant(at, at_type, 'f') }} < v.holds_to
set
    f.{{ column | ident }} = v.{{ found.surrogate | ident }},
    f.updated_run_id = %(run_id)s
where f.{{ column | ident }} != v.{{ found.surrogate | ident }}
