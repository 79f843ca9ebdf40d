-- grain: one row per version of a product, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_product (
    product_key bigint auto_increment primary key
    comment 'Surrogate key, stable for (product_id, valid_from) for ever (law S15)',
    product_id bigint,
    product_name longtext,
    product_description longtext,
    sku longtext,
    brand longtext,
    category longtext,
    subcategory longtext,
    product_line longtext,
    size longtext,
    color longtext,
    weight_kg decimal(8, 3) comment 'Kilograms',
    supplier_name longtext,
    is_active boolean,
    unit_cost decimal(10, 2)
    comment 'Cost of one unit while the version holds; NULL until the price list names it',
    list_price decimal(10, 2) comment 'Price of one unit before discounts',
    brand_key bigint not null default -1,
    category_key bigint not null default -1,
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
    unique (product_id, valid_from),
    foreign key (brand_key) references warehouse.dim_brand (brand_key),
    foreign key (category_key) references warehouse.dim_category (category_key),
    check (
        product_id is not null
        or (valid_from = timestamp '1000-01-01 00:00:00' and not is_inferred)
    ),
    check (valid_from < valid_to),
    unique index dim_product_current_idx (product_id, only_current),
    index dim_product_category_idx (category(255), subcategory(255))
) comment 'One row per version of a product; price, cost, category and brand make versions';
