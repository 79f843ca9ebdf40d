-- grain: statements that make the staged table of a first load the copy {{ target }} itself,
-- so that no row is written twice
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
{% macro staged() -%}
{{ staging | ident }}.{{ relation | ident }}
{%- endmacro %}
{% macro copy() -%}
replica.{{ target | ident }}
{%- endmacro %}
{# the name of a relation as a text: the doubled per cent signs are doubled once more #}
{% macro named(relation) -%}
{{ relation | replace('%%', '%') | literal }}::regclass
{%- endmacro %}

-- name: hold
lock table {{ copy() }} in access exclusive mode nowait;

-- name: is_possible
-- nothing is there yet, it is ours and as it was made, nobody has hung anything on it, and the
-- columns are the same
with there as (
    select
        {{ named(copy()) }} as copy,
        {{ named(staged()) }} as staged
),

shapes as (
    select
        a.attrelid,
        bool_or(a.attacl is not null) as has_grants,
        array_agg(
            row(a.attname, format_type(a.atttypid, a.atttypmod))::text order by a.attname
        ) filter (
            where a.attname not in (
                '_row', '_cursor', '_source_cursor', '_inserted_run_id', '_updated_run_id'
            )
        ) as columns
    from pg_attribute as a
    inner join there as t on a.attrelid in (t.copy, t.staged)
    where a.attnum > 0 and not a.attisdropped
    group by a.attrelid
),

hung as (
    select d.objid
    from pg_depend as d
    cross join there as t
    inner join pg_class as c on t.copy = c.oid
    left join pg_constraint as k on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
    where
        (d.refclassid, d.refobjid) in (
            ('pg_class'::regclass, c.oid), ('pg_type'::regclass, c.reltype)
        )
        and d.deptype in ('n', 'a')
        -- other than its primary key and that columns are never NULL
        and coalesce(k.contype not in ('p', 'n'), true)
)

select
    not exists (select from {{ copy() }})
    and not exists (select from hung)
    and not c.has_grants
    and c.columns = s.columns
    and exists (
        select from pg_class as r
        inner join pg_constraint as k on r.oid = k.conrelid and k.contype = 'p'
        where
            r.oid = t.copy
            and pg_has_role(r.relowner, 'usage')
            and not r.relrowsecurity
            and r.reloptions is null
            and r.relreplident = 'd'
            and r.relpersistence = 'p'
    )
    and exists (
        select from pg_class as r
        inner join pg_index as i on r.oid = i.indrelid and i.indisunique
        where r.oid = t.staged and r.relpersistence = 'p'
    ) as is_possible
from there as t
inner join shapes as c on t.copy = c.attrelid
inner join shapes as s on t.staged = s.attrelid;

-- name: find_place
select
    c.relowner::regrole::text as owner_name,
    quote_ident(n.relname) as key_index,
    quote_ident(k.conname) as key_name
from pg_class as c
inner join pg_constraint as k on c.oid = k.conrelid and k.contype = 'p'
inner join pg_index as i on i.indrelid = {{ named(staged()) }} and i.indisunique
inner join pg_class as n on i.indexrelid = n.oid
where c.oid = {{ named(copy()) }}
order by i.indexrelid
limit 1;

-- name: find_rights
select
    a.privilege_type,
    case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
    case when a.is_grantable then 'with grant option' else '' end as may_pass_on
from pg_class as c
cross join aclexplode(c.relacl) as a
where c.oid = {{ named(copy()) }};

-- name: drop_flagged
delete from {{ staged() }} as s
where {{ is_gone }};

-- name: count
select count(*) as present from {{ staged() }};

-- name: rename_cursor
alter table {{ staged() }} rename column _cursor to _source_cursor;

-- name: complete
-- a constant default is not written into the rows, and all the checks share one scan
alter table {{ staged() }}
reset (autovacuum_enabled),
drop column _row,
add column _inserted_run_id text not null default {{ run_id | literal }},
{%- for column in required %}
alter column {{ column | ident }} set not null,
{%- endfor %}
add column _updated_run_id text not null default {{ run_id | literal }};
alter table {{ staged() }}
alter column _inserted_run_id drop default,
alter column _updated_run_id drop default;

-- name: replace
drop table {{ copy() }};
alter table {{ staged() }} rename to {{ target | ident }};
alter table {{ staging | ident }}.{{ target | ident }} set schema replica;
