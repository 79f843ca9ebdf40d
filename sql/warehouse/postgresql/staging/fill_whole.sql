-- grain: statements about the indexes and keys of {{ schema }}.{{ relation }}
-- reads: {{ schema }}.{{ relation }}, the system catalog

-- name: may_fill
select
    not exists (select from {{ schema | ident }}.{{ relation | ident }})
    and pg_has_role(t.relowner, 'usage')
    and not exists (
        select from pg_constraint as c
        where
            c.conrelid = t.oid
            and c.contype = 'f'
            and not has_table_privilege(c.confrelid, 'references')
    ) as may_fill
from pg_class as t
where t.oid = format('%%I.%%I', %(schema)s, %(relation)s)::regclass;

-- name: referred
select distinct c.confrelid::regclass::text as referred
from pg_constraint as c
where
    c.conrelid = format('%%I.%%I', %(schema)s, %(relation)s)::regclass
    and c.contype = 'f'
order by referred;

-- name: find
-- What says more than its definition tells stays: an exclusion, a comment, the mark to cluster or
-- to replicate by, a place or settings of its own.
with plain_indexes as (
    select
        i.indexrelid,
        i.indisunique
    from pg_index as i
    inner join pg_class as r on i.indexrelid = r.oid
    where
        i.indrelid = format('%%I.%%I', %(schema)s, %(relation)s)::regclass
        and not i.indisexclusion
        and not i.indisclustered
        and not i.indisreplident
        and r.reltablespace = 0
        and r.reloptions is null
        and obj_description(i.indexrelid, 'pg_class') is null
),

-- What a view groups by, or a foreign key refers to, cannot be dropped: it stays, too.
plain_keys as (
    select c.oid
    from pg_constraint as c
    inner join plain_indexes as i on c.conindid = i.indexrelid
    where
        c.contype in ('p', 'u')
        and not exists (
            select from pg_depend as d
            where
                d.deptype = 'n'
                and (d.refclassid, d.refobjid) in (
                    ('pg_constraint'::regclass, c.oid), ('pg_class'::regclass, c.conindid)
                )
        )
)

select
    format('alter table %%s drop constraint %%I', c.conrelid::regclass, c.conname) as drop_it,
    format(
        'alter table %%s add constraint %%I %%s',
        c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)
    ) as create_it
from pg_constraint as c
where
    c.conrelid = format('%%I.%%I', %(schema)s, %(relation)s)::regclass
    and obj_description(c.oid, 'pg_constraint') is null
    and (c.contype = 'f' or c.oid in (select k.oid from plain_keys as k))
union all
select
    format('drop index %%s', i.indexrelid::regclass) as drop_it,
    pg_get_indexdef(i.indexrelid) as create_it
from plain_indexes as i
where not i.indisunique
order by drop_it
