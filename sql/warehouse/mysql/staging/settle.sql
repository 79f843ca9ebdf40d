-- grain: statements that leave one row per ({{ grain | join(', ') }})
-- in {{ relation }} (laws S10, S11)
-- reads: {{ schema }}.{{ relation }}
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% import "staging/quarantine.sql" as quarantine -%}
{% from "indexes.sql" import parts -%}
{%- macro repeated() -%}
drop temporary table if exists audit.repeated_rows;
create temporary table audit.repeated_rows (index ({{ parts(grain_types) }})) as
select
    {{ grain | idents('s') }},
    min(s._row) as first_row
from {{ schema | ident }}.{{ relation | ident }} as s
group by {{ grain | idents('s') }}
having count(*) > 1
{%- endmacro -%}
-- name: quarantine_without_key
{{ quarantine.open() }}
insert into audit.taken_rows (_row, rules)
select
    s._row,
    '["key_is_missing"]'
from {{ schema | ident }}.{{ relation | ident }} as s
where
{%- for column in grain %}
    {{ "or " if not loop.first }}s.{{ column | ident }} is null
{%- endfor %};
{{ quarantine.move(schema, relation, grain, staged) }};

-- name: make_unique
-- An index that is made would commit the transaction: what repeats breaks the key of a table that
-- can hold one row.
drop temporary table if exists audit.repeats;
create temporary table audit.repeats (has_one boolean primary key) as select true as has_one;
insert into audit.repeats (has_one)
select true
from {{ schema | ident }}.{{ relation | ident }} as s
group by {{ grain | idents('s') }}
having count(*) > 1
limit 1; -- noqa: AM09

-- name: quarantine_conflicting
-- Rows are compared with the first of them, column by column.
{{ repeated() }};
drop temporary table if exists audit.conflicting_rows;
create temporary table audit.conflicting_rows (first_row bigint primary key) as
select distinct r.first_row
from audit.repeated_rows as r
inner join {{ schema | ident }}.{{ relation | ident }} as f on r.first_row = f._row
inner join {{ schema | ident }}.{{ relation | ident }} as s on {{ grain | equal('r', 's') }}
where
    s._row != r.first_row
    and not (
    {%- for column in columns %}
        {{ "and " if not loop.first }}s.{{ column | ident }} <=> f.{{ column | ident }}
    {%- endfor %}
    );
{{ quarantine.open() }}
insert into audit.taken_rows (_row, rules)
select
    s._row,
    '["duplicates_conflict"]'
from audit.conflicting_rows as c
inner join audit.repeated_rows as r on c.first_row = r.first_row
inner join {{ schema | ident }}.{{ relation | ident }} as s on {{ grain | equal('r', 's') }};
{{ quarantine.move(schema, relation, grain, staged) }};

-- name: drop_identical
{{ repeated() }};
delete from {{ schema | ident }}.{{ relation | ident }}
using {{ schema | ident }}.{{ relation | ident }}
inner join audit.repeated_rows as r on {{ grain | equal('r', relation | ident) }}
where {{ relation | ident }}._row != r.first_row;
select row_count() as dropped_count;
