-- grain: one row per version of a store, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_store (
    store_key bigint auto_increment primary key
    comment 'Surrogate key, stable for (store_id, valid_from) for ever (law S15)',
    store_id bigint,
    store_name longtext,
    store_type longtext,
    address_line1 longtext,
    address_line2 longtext,
    city longtext,
    state longtext,
    postal_code longtext,
    country longtext,
    region longtext,
    district longtext,
    manager_name longtext,
    phone longtext,
    email longtext,
    opening_date date,
    store_size_sqft int comment 'Square feet',
    is_active boolean,
    is_inferred boolean not null default false
    comment 'Named by a fact before its source delivered it (law S17)',
    valid_from datetime(6) not null,
    valid_to datetime(6) not null
    comment 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)',
    is_current boolean
    generated always as (valid_to = timestamp '9999-12-31 00:00:00') stored,
    only_current tinyint
    generated always as (if(valid_to = timestamp '9999-12-31 00:00:00', 1, null)) stored invisible,
    inserted_run_id varchar(64),
    updated_run_id varchar(64),
    unique (store_id, valid_from),
    check (
        store_id is not null
        or (valid_from = timestamp '1000-01-01 00:00:00' and not is_inferred)
    ),
    check (valid_from < valid_to),
    unique index dim_store_current_idx (store_id, only_current),
    index dim_store_region_idx (region(255), district(255))
) comment 'One row per version of a store; a new manager or region makes a version';
