-- grain: statements that leave one row per ({{ grain | join(', ') }})
-- in {{ relation }} (laws S10, S11)
-- reads: {{ schema }}.{{ relation }}
{% import "staging/quarantine.sql" as quarantine -%}
-- name: quarantine_without_key
with taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    where
    {%- for column in grain %}
        {{ "or " if not loop.first }}s.{{ column | ident }} is null
    {%- endfor %}
    returning s.*
),

{{ quarantine.keep_taken(schema, grain, "array['key_is_missing']") }};

-- name: make_unique
create unique index on {{ schema | ident }}.{{ relation | ident }} ({{ grain | idents }});

-- name: quarantine_conflicting
with repeated as (
    select {{ grain | idents('s') }}
    from {{ schema | ident }}.{{ relation | ident }} as s
    group by {{ grain | idents('s') }}
    having count(*) > 1
),

conflicting as (
    select {{ grain | idents('s') }}
    from {{ schema | ident }}.{{ relation | ident }} as s
    inner join repeated as r on {{ grain | equal('r', 's') }}
    group by {{ grain | idents('s') }}
    having count(distinct row({{ columns | idents('s') }})) > 1
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using conflicting as c
    where {{ grain | equal('c', 's') }}
    returning s.*
),

{{ quarantine.keep_taken(schema, grain, "array['duplicates_conflict']") }};

-- name: drop_identical
with repeated as (
    select
        {{ grain | idents('s') }},
        min(s._row) as first_row
    from {{ schema | ident }}.{{ relation | ident }} as s
    group by {{ grain | idents('s') }}
    having count(*) > 1
),

dropped as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using repeated as r
    where {{ grain | equal('r', 's') }} and s._row != r.first_row
    returning 1
)

select count(*) from dropped;
