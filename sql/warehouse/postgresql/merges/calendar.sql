-- grain: statements that bring calendar days into dim_date (law F7)
-- reads: calendar_days

-- name: open
create temporary table calendar_days (like warehouse.dim_date) on commit drop;

-- name: merge
with written as (
    insert into warehouse.dim_date ({{ columns | idents }})
    select {{ columns | idents('c') }}
    from calendar_days as c
    where
        not exists (
            select from warehouse.dim_date as d
            where
                -- Told apart by the key first: else each day is held against each.
                d.date_key = c.date_key
                and row({{ columns | idents('d') }})
                is not distinct from row({{ columns | idents('c') }})
        )
    on conflict (date_key) do update
        set ({{ attributes | idents }}) = ({{ attributes | idents('excluded') }})
    returning 1
)

select count(*) from written;
