-- grain: one row per version of a category, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_category (
    category_key bigint auto_increment primary key
    comment 'Surrogate key, stable for (category_name, valid_from) for ever (law S15)',
    category_name varchar(255),
    category_description longtext,
    department longtext,
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
    unique (category_name, valid_from),
    check (
        category_name is not null
        or (valid_from = timestamp '1000-01-01 00:00:00' and not is_inferred)
    ),
    check (valid_from < valid_to),
    unique index dim_category_current_idx (category_name, only_current)
) comment 'Snowflake of dim_product: one row per category, with its department';
