
-- Dumped from database version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--

CREATE SCHEMA audit;

--

COMMENT ON SCHEMA audit IS 'Runs, watermarks, verdicts, quarantine: written by releases, kept apart from the data';

--

CREATE SCHEMA history;

--

COMMENT ON SCHEMA history IS 'Append-only events of each dimension; every version can be rebuilt from them (laws S1, S19)';

--

CREATE SCHEMA marts;

--

COMMENT ON SCHEMA marts IS 'What BI tools and reports read';

--

CREATE SCHEMA warehouse;

--

COMMENT ON SCHEMA warehouse IS 'Star and snowflake: dimensions and facts';

SET default_tablespace = '';

SET default_table_access_method = heap;

--

CREATE TABLE audit.alembic_version (
    version_num character varying(32) NOT NULL
);

--

CREATE TABLE audit.quality_results (
    run_id text NOT NULL,
    table_name text NOT NULL,
    suite text NOT NULL,
    rule text NOT NULL,
    expectation text NOT NULL,
    column_name text,
    severity text NOT NULL,
    weight numeric(8,3) NOT NULL,
    passed boolean NOT NULL,
    checked boolean NOT NULL,
    unexpected_count bigint,
    element_count bigint,
    observed text NOT NULL,
    CONSTRAINT quality_results_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'warning'::text, 'info'::text])))
);

--

COMMENT ON TABLE audit.quality_results IS 'What each rule said in each run, closed gates included (law Q4)';

--

COMMENT ON COLUMN audit.quality_results.checked IS 'False when the rule could not be evaluated, which closes the gate (law Q2)';

--

CREATE TABLE audit.quarantine (
    quarantine_id bigint NOT NULL,
    run_id text NOT NULL,
    table_name text NOT NULL,
    row_key jsonb NOT NULL,
    rules text[] NOT NULL,
    payload jsonb NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    CONSTRAINT quarantine_rules_check CHECK ((cardinality(rules) > 0)),
    CONSTRAINT quarantine_status_check CHECK ((status = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
);

--

COMMENT ON TABLE audit.quarantine IS 'Rows that the gate held back, whole, with every rule they broke (law Q2)';

--

ALTER TABLE audit.quarantine ALTER COLUMN quarantine_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.quarantine_quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE audit.rejected_rows (
    rejected_row_id bigint NOT NULL,
    run_id text NOT NULL,
    table_name text NOT NULL,
    column_name text,
    reason text NOT NULL,
    payload jsonb NOT NULL
);

--

COMMENT ON TABLE audit.rejected_rows IS 'Rows as the source gave them, with the first column that did not convert and why';

--

ALTER TABLE audit.rejected_rows ALTER COLUMN rejected_row_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.rejected_rows_rejected_row_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE audit.run_tables (
    run_id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    extracted bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    dropped bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    inserted bigint DEFAULT 0 NOT NULL,
    updated bigint DEFAULT 0 NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    unchanged bigint DEFAULT 0 NOT NULL,
    removed bigint DEFAULT 0 NOT NULL,
    late bigint DEFAULT 0 NOT NULL,
    repointed bigint DEFAULT 0 NOT NULL,
    inferred bigint DEFAULT 0 NOT NULL,
    seconds numeric(12,3) DEFAULT 0 NOT NULL,
    CONSTRAINT run_tables_role_check CHECK ((role = ANY (ARRAY['source'::text, 'dimension'::text, 'fact'::text, 'mart'::text])))
);

--

COMMENT ON TABLE audit.run_tables IS 'Row accounting of a run; for a source, extracted = rejected + dropped + quarantined + inserted + updated + unchanged (law R3)';

--

COMMENT ON COLUMN audit.run_tables.dropped IS 'Identical duplicates, and lines whose order moved on while it was read';

--

COMMENT ON COLUMN audit.run_tables.late IS 'Events that lie before a version known already (law S8)';

--

COMMENT ON COLUMN audit.run_tables.repointed IS 'Fact rows that got another version of a dimension (law S8)';

--

CREATE TABLE audit.runs (
    run_id text NOT NULL,
    pipeline text NOT NULL,
    business_date date,
    full_refresh boolean DEFAULT false NOT NULL,
    status text NOT NULL,
    started_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    finished_at timestamp with time zone,
    quality_score_pct numeric(5,2),
    staging_schema text NOT NULL,
    flow_run_url text,
    code_version text,
    error text,
    CONSTRAINT runs_check CHECK (((status = 'running'::text) = (finished_at IS NULL))),
    CONSTRAINT runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'gate_closed'::text, 'killed'::text])))
);

--

COMMENT ON TABLE audit.runs IS 'One row per run; the row of a succeeded run commits with its release (law R2)';

--

COMMENT ON COLUMN audit.runs.status IS 'killed = found running by a later run of the same pipeline although its lock was free';

--

COMMENT ON COLUMN audit.runs.error IS 'First lines of the message of a failed run, without secrets';

--

CREATE TABLE audit.watermarks (
    pipeline text NOT NULL,
    table_name text NOT NULL,
    value text NOT NULL,
    run_id text NOT NULL
);

--

COMMENT ON TABLE audit.watermarks IS 'End of the last released window of each table; moves in the release only, forward only (laws X6, X7)';

--

COMMENT ON COLUMN audit.watermarks.value IS 'Text in the source''s own form at full precision (law X3)';

--

CREATE TABLE history.brand (
    brand_name text NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    existence boolean DEFAULT true NOT NULL,
    source_cursor text,
    absent text[] DEFAULT '{}'::text[] NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    brand_description text,
    country_of_origin text,
    CONSTRAINT brand_operation_check CHECK ((operation = ANY (ARRAY['upsert'::text, 'delete'::text, 'inferred'::text])))
);

--

COMMENT ON TABLE history.brand IS 'Events from which the versions of dim_brand are derived';

--

COMMENT ON COLUMN history.brand.existence IS 'Whether the event says that the member exists or ended (law S3)';

--

COMMENT ON COLUMN history.brand.source_cursor IS 'Cursor of the source row, in the source''s own text';

--

COMMENT ON COLUMN history.brand.absent IS 'Attributes that the record did not carry; their values carry forward (law S6)';

--

COMMENT ON COLUMN history.brand.recorded_at IS 'Load time, the second axis (law S18)';

--

CREATE TABLE history.category (
    category_name text NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    existence boolean DEFAULT true NOT NULL,
    source_cursor text,
    absent text[] DEFAULT '{}'::text[] NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    category_description text,
    department text,
    CONSTRAINT category_operation_check CHECK ((operation = ANY (ARRAY['upsert'::text, 'delete'::text, 'inferred'::text])))
);

--

COMMENT ON TABLE history.category IS 'Events from which the versions of dim_category are derived';

--

COMMENT ON COLUMN history.category.existence IS 'Whether the event says that the member exists or ended (law S3)';

--

COMMENT ON COLUMN history.category.source_cursor IS 'Cursor of the source row, in the source''s own text';

--

COMMENT ON COLUMN history.category.absent IS 'Attributes that the record did not carry; their values carry forward (law S6)';

--

COMMENT ON COLUMN history.category.recorded_at IS 'Load time, the second axis (law S18)';

--

CREATE TABLE history.customer (
    customer_id bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    existence boolean DEFAULT true NOT NULL,
    source_cursor text,
    absent text[] DEFAULT '{}'::text[] NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    first_name text,
    last_name text,
    full_name text,
    email text,
    is_email_valid boolean,
    phone text,
    phone_e164 text,
    birth_date date,
    age_group text,
    gender text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    customer_segment text,
    registration_date date,
    is_active boolean,
    CONSTRAINT customer_operation_check CHECK ((operation = ANY (ARRAY['upsert'::text, 'delete'::text, 'inferred'::text])))
);

--

COMMENT ON TABLE history.customer IS 'Events from which the versions of dim_customer are derived';

--

COMMENT ON COLUMN history.customer.existence IS 'Whether the event says that the member exists or ended (law S3)';

--

COMMENT ON COLUMN history.customer.source_cursor IS 'Cursor of the source row, in the source''s own text';

--

COMMENT ON COLUMN history.customer.absent IS 'Attributes that the record did not carry; their values carry forward (law S6)';

--

COMMENT ON COLUMN history.customer.recorded_at IS 'Load time, the second axis (law S18)';

--

CREATE TABLE history.product (
    product_id bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    existence boolean DEFAULT true NOT NULL,
    source_cursor text,
    absent text[] DEFAULT '{}'::text[] NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    product_name text,
    product_description text,
    sku text,
    brand text,
    category text,
    subcategory text,
    product_line text,
    size text,
    color text,
    weight_kg numeric(8,3),
    supplier_name text,
    is_active boolean,
    unit_cost numeric(10,2),
    list_price numeric(10,2),
    CONSTRAINT product_operation_check CHECK ((operation = ANY (ARRAY['upsert'::text, 'delete'::text, 'inferred'::text])))
);

--

COMMENT ON TABLE history.product IS 'Events from which the versions of dim_product are derived';

--

COMMENT ON COLUMN history.product.existence IS 'Whether the event says that the member exists or ended (law S3)';

--

COMMENT ON COLUMN history.product.source_cursor IS 'Cursor of the source row, in the source''s own text';

--

COMMENT ON COLUMN history.product.absent IS 'Attributes that the record did not carry; their values carry forward (law S6)';

--

COMMENT ON COLUMN history.product.recorded_at IS 'Load time, the second axis (law S18)';

--

CREATE TABLE history.store (
    store_id bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    existence boolean DEFAULT true NOT NULL,
    source_cursor text,
    absent text[] DEFAULT '{}'::text[] NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    store_name text,
    store_type text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    region text,
    district text,
    manager_name text,
    phone text,
    email text,
    opening_date date,
    store_size_sqft integer,
    is_active boolean,
    CONSTRAINT store_operation_check CHECK ((operation = ANY (ARRAY['upsert'::text, 'delete'::text, 'inferred'::text])))
);

--

COMMENT ON TABLE history.store IS 'Events from which the versions of dim_store are derived';

--

COMMENT ON COLUMN history.store.existence IS 'Whether the event says that the member exists or ended (law S3)';

--

COMMENT ON COLUMN history.store.source_cursor IS 'Cursor of the source row, in the source''s own text';

--

COMMENT ON COLUMN history.store.absent IS 'Attributes that the record did not carry; their values carry forward (law S6)';

--

COMMENT ON COLUMN history.store.recorded_at IS 'Load time, the second axis (law S18)';

--

CREATE TABLE warehouse.dim_brand (
    brand_key bigint NOT NULL,
    brand_name text,
    brand_description text,
    country_of_origin text,
    is_inferred boolean DEFAULT false NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    is_current boolean GENERATED ALWAYS AS ((valid_to = '9999-12-31 00:00:00+00'::timestamp with time zone)) STORED,
    inserted_run_id text,
    updated_run_id text,
    CONSTRAINT dim_brand_check CHECK (((brand_key < 0) OR (brand_name IS NOT NULL))),
    CONSTRAINT dim_brand_check1 CHECK ((valid_from < valid_to))
);

--

COMMENT ON TABLE warehouse.dim_brand IS 'Snowflake of dim_product: one row per brand';

--

COMMENT ON COLUMN warehouse.dim_brand.brand_key IS 'Surrogate key, stable for (brand_name, valid_from) for ever (law S15)';

--

COMMENT ON COLUMN warehouse.dim_brand.is_inferred IS 'Named by a fact before its source delivered it (law S17)';

--

COMMENT ON COLUMN warehouse.dim_brand.valid_to IS 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)';

--

ALTER TABLE warehouse.dim_brand ALTER COLUMN brand_key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME warehouse.dim_brand_brand_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE warehouse.dim_category (
    category_key bigint NOT NULL,
    category_name text,
    category_description text,
    department text,
    is_inferred boolean DEFAULT false NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    is_current boolean GENERATED ALWAYS AS ((valid_to = '9999-12-31 00:00:00+00'::timestamp with time zone)) STORED,
    inserted_run_id text,
    updated_run_id text,
    CONSTRAINT dim_category_check CHECK (((category_key < 0) OR (category_name IS NOT NULL))),
    CONSTRAINT dim_category_check1 CHECK ((valid_from < valid_to))
);

--

COMMENT ON TABLE warehouse.dim_category IS 'Snowflake of dim_product: one row per category, with its department';

--

COMMENT ON COLUMN warehouse.dim_category.category_key IS 'Surrogate key, stable for (category_name, valid_from) for ever (law S15)';

--

COMMENT ON COLUMN warehouse.dim_category.is_inferred IS 'Named by a fact before its source delivered it (law S17)';

--

COMMENT ON COLUMN warehouse.dim_category.valid_to IS 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)';

--

ALTER TABLE warehouse.dim_category ALTER COLUMN category_key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME warehouse.dim_category_category_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE warehouse.dim_customer (
    customer_key bigint NOT NULL,
    customer_id bigint,
    first_name text,
    last_name text,
    full_name text,
    email text,
    is_email_valid boolean,
    phone text,
    phone_e164 text,
    birth_date date,
    age_group text,
    gender text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    customer_segment text,
    previous_customer_segment text,
    customer_segment_changed_at timestamp with time zone,
    registration_date date,
    is_active boolean,
    is_inferred boolean DEFAULT false NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    is_current boolean GENERATED ALWAYS AS ((valid_to = '9999-12-31 00:00:00+00'::timestamp with time zone)) STORED,
    inserted_run_id text,
    updated_run_id text,
    CONSTRAINT dim_customer_check CHECK (((customer_key < 0) OR (customer_id IS NOT NULL))),
    CONSTRAINT dim_customer_check1 CHECK ((valid_from < valid_to))
);

--

COMMENT ON TABLE warehouse.dim_customer IS 'One row per version of a customer; a move makes a version (SCD 2), names and e-mail overwrite (1), the segment keeps its previous value (3), the registration date its first (0)';

--

COMMENT ON COLUMN warehouse.dim_customer.customer_key IS 'Surrogate key, stable for (customer_id, valid_from) for ever (law S15)';

--

COMMENT ON COLUMN warehouse.dim_customer.is_email_valid IS 'NULL when there is no e-mail';

--

COMMENT ON COLUMN warehouse.dim_customer.phone_e164 IS 'NULL when the phone is no valid number of its country';

--

COMMENT ON COLUMN warehouse.dim_customer.age_group IS 'At the time of the customers last change';

--

COMMENT ON COLUMN warehouse.dim_customer.is_inferred IS 'Named by a fact before its source delivered it (law S17)';

--

COMMENT ON COLUMN warehouse.dim_customer.valid_to IS 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)';

--

ALTER TABLE warehouse.dim_customer ALTER COLUMN customer_key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME warehouse.dim_customer_customer_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE warehouse.dim_date (
    date_key integer NOT NULL,
    full_date date,
    day_of_week smallint,
    day_name text NOT NULL,
    day_of_month smallint,
    day_of_year smallint,
    week_of_year smallint,
    iso_year smallint,
    month_number smallint,
    month_name text NOT NULL,
    quarter smallint,
    year smallint,
    is_weekend boolean,
    is_holiday boolean,
    holiday_name text,
    fiscal_year smallint,
    fiscal_quarter smallint,
    CONSTRAINT dim_date_check CHECK (((date_key < 0) OR (full_date IS NOT NULL)))
);

--

COMMENT ON TABLE warehouse.dim_date IS 'Calendar days, ten years back and five ahead (law F7)';

--

COMMENT ON COLUMN warehouse.dim_date.date_key IS 'yyyymmdd';

--

COMMENT ON COLUMN warehouse.dim_date.day_of_week IS 'ISO: 1 Monday to 7 Sunday';

--

COMMENT ON COLUMN warehouse.dim_date.week_of_year IS 'ISO week; belongs to iso_year, not to year';

--

CREATE TABLE warehouse.dim_product (
    product_key bigint NOT NULL,
    product_id bigint,
    product_name text,
    product_description text,
    sku text,
    brand text,
    category text,
    subcategory text,
    product_line text,
    size text,
    color text,
    weight_kg numeric(8,3),
    supplier_name text,
    is_active boolean,
    unit_cost numeric(10,2),
    list_price numeric(10,2),
    brand_key bigint DEFAULT '-1'::integer NOT NULL,
    category_key bigint DEFAULT '-1'::integer NOT NULL,
    is_inferred boolean DEFAULT false NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    is_current boolean GENERATED ALWAYS AS ((valid_to = '9999-12-31 00:00:00+00'::timestamp with time zone)) STORED,
    inserted_run_id text,
    updated_run_id text,
    CONSTRAINT dim_product_check CHECK (((product_key < 0) OR (product_id IS NOT NULL))),
    CONSTRAINT dim_product_check1 CHECK ((valid_from < valid_to))
);

--

COMMENT ON TABLE warehouse.dim_product IS 'One row per version of a product; price, cost, category and brand make versions';

--

COMMENT ON COLUMN warehouse.dim_product.product_key IS 'Surrogate key, stable for (product_id, valid_from) for ever (law S15)';

--

COMMENT ON COLUMN warehouse.dim_product.weight_kg IS 'Kilograms';

--

COMMENT ON COLUMN warehouse.dim_product.unit_cost IS 'Cost of one unit while the version holds; NULL until the price list names it';

--

COMMENT ON COLUMN warehouse.dim_product.list_price IS 'Price of one unit before discounts';

--

COMMENT ON COLUMN warehouse.dim_product.is_inferred IS 'Named by a fact before its source delivered it (law S17)';

--

COMMENT ON COLUMN warehouse.dim_product.valid_to IS 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)';

--

ALTER TABLE warehouse.dim_product ALTER COLUMN product_key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME warehouse.dim_product_product_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE warehouse.dim_store (
    store_key bigint NOT NULL,
    store_id bigint,
    store_name text,
    store_type text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    region text,
    district text,
    manager_name text,
    phone text,
    email text,
    opening_date date,
    store_size_sqft integer,
    is_active boolean,
    is_inferred boolean DEFAULT false NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    is_current boolean GENERATED ALWAYS AS ((valid_to = '9999-12-31 00:00:00+00'::timestamp with time zone)) STORED,
    inserted_run_id text,
    updated_run_id text,
    CONSTRAINT dim_store_check CHECK (((store_key < 0) OR (store_id IS NOT NULL))),
    CONSTRAINT dim_store_check1 CHECK ((valid_from < valid_to))
);

--

COMMENT ON TABLE warehouse.dim_store IS 'One row per version of a store; a new manager or region makes a version';

--

COMMENT ON COLUMN warehouse.dim_store.store_key IS 'Surrogate key, stable for (store_id, valid_from) for ever (law S15)';

--

COMMENT ON COLUMN warehouse.dim_store.store_size_sqft IS 'Square feet';

--

COMMENT ON COLUMN warehouse.dim_store.is_inferred IS 'Named by a fact before its source delivered it (law S17)';

--

COMMENT ON COLUMN warehouse.dim_store.valid_to IS 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)';

--

ALTER TABLE warehouse.dim_store ALTER COLUMN store_key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME warehouse.dim_store_store_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

CREATE TABLE warehouse.fact_sales (
    sale_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line_number integer NOT NULL,
    date_key integer NOT NULL,
    customer_key bigint NOT NULL,
    product_key bigint NOT NULL,
    store_key bigint NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    order_status text NOT NULL,
    is_cancelled boolean NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(10,2) NOT NULL,
    gross_amount numeric(14,2) NOT NULL,
    discount_amount numeric(14,2) NOT NULL,
    net_amount numeric(14,2) NOT NULL,
    tax_amount numeric(14,2) NOT NULL,
    shipping_amount numeric(14,2) NOT NULL,
    total_amount numeric(14,2) NOT NULL,
    cost_amount numeric(14,2),
    profit_amount numeric(14,2),
    inserted_run_id text NOT NULL,
    updated_run_id text NOT NULL,
    CONSTRAINT fact_sales_check CHECK ((net_amount = (gross_amount - discount_amount))),
    CONSTRAINT fact_sales_check1 CHECK ((total_amount = ((net_amount + tax_amount) + shipping_amount))),
    CONSTRAINT fact_sales_check2 CHECK ((profit_amount = (net_amount - cost_amount)))
);

--

COMMENT ON TABLE warehouse.fact_sales IS 'One row per order line. Cancelled lines stay, flagged; marts and reports leave them out';

--

COMMENT ON COLUMN warehouse.fact_sales.unit_price IS 'Price of one unit as sold; not additive';

--

COMMENT ON COLUMN warehouse.fact_sales.gross_amount IS 'quantity x unit_price; additive';

--

COMMENT ON COLUMN warehouse.fact_sales.discount_amount IS 'Discount of the line and its share of the order''s discount, to the cent (law F3); additive';

--

COMMENT ON COLUMN warehouse.fact_sales.net_amount IS 'gross - discount; additive';

--

COMMENT ON COLUMN warehouse.fact_sales.tax_amount IS 'Share of the order''s tax (law F3); additive';

--

COMMENT ON COLUMN warehouse.fact_sales.shipping_amount IS 'Share of the order''s shipping (law F3); additive';

--

COMMENT ON COLUMN warehouse.fact_sales.total_amount IS 'net + tax + shipping; adds up to the order''s total';

--

COMMENT ON COLUMN warehouse.fact_sales.cost_amount IS 'quantity x cost of the product''s version at the time of the order; NULL while that is unknown; additive';

--

COMMENT ON COLUMN warehouse.fact_sales.profit_amount IS 'net - cost; NULL while the cost is unknown; additive';

--

ALTER TABLE warehouse.fact_sales ALTER COLUMN sale_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME warehouse.fact_sales_sale_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--

INSERT INTO audit.alembic_version VALUES ('0001');

--

--

--

--

--

INSERT INTO audit.runs VALUES ('r1', 'daily-sales', NULL, false, 'succeeded', '2026-11-23 00:42:59.740216+00', '2026-11-23 00:42:59.740216+00', NULL, 'staging_r1', NULL, NULL, NULL);

--

INSERT INTO audit.watermarks VALUES ('daily-sales', 'shop.customers', '2026-02-02 00:00:00.000000', 'r1');

--

--

--

INSERT INTO history.customer VALUES (1, '2026-01-01 00:00:00+00', 0, 'shop.customers', 'upsert', true, NULL, '{}', '2026-01-02 00:00:00+00', 'r1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Lyon', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO history.customer VALUES (1, '2026-02-01 00:00:00+00', 0, 'shop.customers', 'upsert', true, NULL, '{}', '2026-02-02 00:00:00+00', 'r1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Nice', NULL, NULL, NULL, NULL, NULL, NULL);

--

--

--

INSERT INTO warehouse.dim_brand VALUES (-1, NULL, '(unknown)', '(unknown)', false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_brand VALUES (-2, NULL, '(not applicable)', '(not applicable)', false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);

--

INSERT INTO warehouse.dim_category VALUES (-1, NULL, '(unknown)', '(unknown)', false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_category VALUES (-2, NULL, '(not applicable)', '(not applicable)', false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);

--

INSERT INTO warehouse.dim_customer VALUES (-1, NULL, '(unknown)', '(unknown)', '(unknown)', '(unknown)', NULL, '(unknown)', '(unknown)', NULL, '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', NULL, NULL, NULL, NULL, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_customer VALUES (-2, NULL, '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', NULL, '(not applicable)', '(not applicable)', NULL, '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', NULL, NULL, NULL, NULL, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_customer VALUES (1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Lyon', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_customer VALUES (2, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Nice', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, '2026-02-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);

--

INSERT INTO warehouse.dim_date VALUES (-1, NULL, NULL, '(unknown)', NULL, NULL, NULL, NULL, NULL, '(unknown)', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO warehouse.dim_date VALUES (-2, NULL, NULL, '(not applicable)', NULL, NULL, NULL, NULL, NULL, '(not applicable)', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

--

INSERT INTO warehouse.dim_product VALUES (-1, NULL, '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', NULL, '(unknown)', NULL, NULL, NULL, -1, -1, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_product VALUES (-2, NULL, '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', NULL, '(not applicable)', NULL, NULL, NULL, -1, -1, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);

--

INSERT INTO warehouse.dim_store VALUES (-1, NULL, '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', '(unknown)', NULL, NULL, NULL, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);
INSERT INTO warehouse.dim_store VALUES (-2, NULL, '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', '(not applicable)', NULL, NULL, NULL, false, '1000-01-01 00:00:00+00', '9999-12-31 00:00:00+00', DEFAULT, NULL, NULL);

--

--

SELECT pg_catalog.setval('audit.quarantine_quarantine_id_seq', 1, false);

--

SELECT pg_catalog.setval('audit.rejected_rows_rejected_row_id_seq', 1, false);

--

SELECT pg_catalog.setval('warehouse.dim_brand_brand_key_seq', 1, false);

--

SELECT pg_catalog.setval('warehouse.dim_category_category_key_seq', 1, false);

--

SELECT pg_catalog.setval('warehouse.dim_customer_customer_key_seq', 2, true);

--

SELECT pg_catalog.setval('warehouse.dim_product_product_key_seq', 1, false);

--

SELECT pg_catalog.setval('warehouse.dim_store_store_key_seq', 1, false);

--

SELECT pg_catalog.setval('warehouse.fact_sales_sale_id_seq', 1, false);

--

ALTER TABLE ONLY audit.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

--

ALTER TABLE ONLY audit.quality_results
    ADD CONSTRAINT quality_results_pkey PRIMARY KEY (run_id, table_name, rule);

--

ALTER TABLE ONLY audit.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);

--

ALTER TABLE ONLY audit.rejected_rows
    ADD CONSTRAINT rejected_rows_pkey PRIMARY KEY (rejected_row_id);

--

ALTER TABLE ONLY audit.run_tables
    ADD CONSTRAINT run_tables_pkey PRIMARY KEY (run_id, name);

--

ALTER TABLE ONLY audit.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);

--

ALTER TABLE ONLY audit.watermarks
    ADD CONSTRAINT watermarks_pkey PRIMARY KEY (pipeline, table_name);

--

ALTER TABLE ONLY history.brand
    ADD CONSTRAINT brand_pkey PRIMARY KEY (brand_name, effective_at, sequence, source);

--

ALTER TABLE ONLY history.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (category_name, effective_at, sequence, source);

--

ALTER TABLE ONLY history.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (customer_id, effective_at, sequence, source);

--

ALTER TABLE ONLY history.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (product_id, effective_at, sequence, source);

--

ALTER TABLE ONLY history.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (store_id, effective_at, sequence, source);

--

ALTER TABLE ONLY warehouse.dim_brand
    ADD CONSTRAINT dim_brand_brand_name_valid_from_key UNIQUE (brand_name, valid_from);

--

ALTER TABLE ONLY warehouse.dim_brand
    ADD CONSTRAINT dim_brand_pkey PRIMARY KEY (brand_key);

--

ALTER TABLE ONLY warehouse.dim_category
    ADD CONSTRAINT dim_category_category_name_valid_from_key UNIQUE (category_name, valid_from);

--

ALTER TABLE ONLY warehouse.dim_category
    ADD CONSTRAINT dim_category_pkey PRIMARY KEY (category_key);

--

ALTER TABLE ONLY warehouse.dim_customer
    ADD CONSTRAINT dim_customer_customer_id_valid_from_key UNIQUE (customer_id, valid_from);

--

ALTER TABLE ONLY warehouse.dim_customer
    ADD CONSTRAINT dim_customer_pkey PRIMARY KEY (customer_key);

--

ALTER TABLE ONLY warehouse.dim_date
    ADD CONSTRAINT dim_date_full_date_key UNIQUE (full_date);

--

ALTER TABLE ONLY warehouse.dim_date
    ADD CONSTRAINT dim_date_pkey PRIMARY KEY (date_key);

--

ALTER TABLE ONLY warehouse.dim_product
    ADD CONSTRAINT dim_product_pkey PRIMARY KEY (product_key);

--

ALTER TABLE ONLY warehouse.dim_product
    ADD CONSTRAINT dim_product_product_id_valid_from_key UNIQUE (product_id, valid_from);

--

ALTER TABLE ONLY warehouse.dim_store
    ADD CONSTRAINT dim_store_pkey PRIMARY KEY (store_key);

--

ALTER TABLE ONLY warehouse.dim_store
    ADD CONSTRAINT dim_store_store_id_valid_from_key UNIQUE (store_id, valid_from);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_order_id_line_number_key UNIQUE (order_id, line_number);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_pkey PRIMARY KEY (sale_id);

--

CREATE INDEX quarantine_table_idx ON audit.quarantine USING btree (table_name, row_key);

--

CREATE INDEX rejected_rows_table_idx ON audit.rejected_rows USING btree (table_name, run_id);

--

CREATE INDEX runs_started_at_idx ON audit.runs USING btree (pipeline, started_at DESC);

--

CREATE UNIQUE INDEX dim_brand_current_idx ON warehouse.dim_brand USING btree (brand_name) WHERE is_current;

--

CREATE UNIQUE INDEX dim_category_current_idx ON warehouse.dim_category USING btree (category_name) WHERE is_current;

--

CREATE UNIQUE INDEX dim_customer_current_idx ON warehouse.dim_customer USING btree (customer_id) WHERE is_current;

--

CREATE INDEX dim_customer_segment_idx ON warehouse.dim_customer USING btree (customer_segment);

--

CREATE INDEX dim_date_year_month_idx ON warehouse.dim_date USING btree (year, month_number);

--

CREATE INDEX dim_product_category_idx ON warehouse.dim_product USING btree (category, subcategory);

--

CREATE UNIQUE INDEX dim_product_current_idx ON warehouse.dim_product USING btree (product_id) WHERE is_current;

--

CREATE UNIQUE INDEX dim_store_current_idx ON warehouse.dim_store USING btree (store_id) WHERE is_current;

--

CREATE INDEX dim_store_region_idx ON warehouse.dim_store USING btree (region, district);

--

CREATE INDEX fact_sales_amount_idx ON warehouse.fact_sales USING btree (total_amount);

--

CREATE INDEX fact_sales_customer_idx ON warehouse.fact_sales USING btree (customer_key);

--

CREATE INDEX fact_sales_date_idx ON warehouse.fact_sales USING btree (date_key);

--

CREATE INDEX fact_sales_product_idx ON warehouse.fact_sales USING btree (product_key);

--

CREATE INDEX fact_sales_store_idx ON warehouse.fact_sales USING btree (store_key);

--

ALTER TABLE ONLY audit.quality_results
    ADD CONSTRAINT quality_results_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.runs(run_id) ON DELETE CASCADE;

--

ALTER TABLE ONLY audit.quarantine
    ADD CONSTRAINT quarantine_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.runs(run_id);

--

ALTER TABLE ONLY audit.rejected_rows
    ADD CONSTRAINT rejected_rows_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.runs(run_id);

--

ALTER TABLE ONLY audit.run_tables
    ADD CONSTRAINT run_tables_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.runs(run_id) ON DELETE CASCADE;

--

ALTER TABLE ONLY audit.watermarks
    ADD CONSTRAINT watermarks_run_id_fkey FOREIGN KEY (run_id) REFERENCES audit.runs(run_id);

--

ALTER TABLE ONLY warehouse.dim_product
    ADD CONSTRAINT dim_product_brand_key_fkey FOREIGN KEY (brand_key) REFERENCES warehouse.dim_brand(brand_key);

--

ALTER TABLE ONLY warehouse.dim_product
    ADD CONSTRAINT dim_product_category_key_fkey FOREIGN KEY (category_key) REFERENCES warehouse.dim_category(category_key);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_customer_key_fkey FOREIGN KEY (customer_key) REFERENCES warehouse.dim_customer(customer_key);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_date_key_fkey FOREIGN KEY (date_key) REFERENCES warehouse.dim_date(date_key);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_product_key_fkey FOREIGN KEY (product_key) REFERENCES warehouse.dim_product(product_key);

--

ALTER TABLE ONLY warehouse.fact_sales
    ADD CONSTRAINT fact_sales_store_key_fkey FOREIGN KEY (store_key) REFERENCES warehouse.dim_store(store_key);

--

