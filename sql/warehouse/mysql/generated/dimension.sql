-- grain: one row per version of a {{ entity }},
-- and the members -1 (unknown) and -2 (not applicable)
create table warehouse.{{ relation | ident }} (
    {{ surrogate | ident }} bigint auto_increment primary key
    comment {{
        ("Surrogate key, stable for (" ~ key | join(", ") ~ ", valid_from) for ever (law S15)")[:1024]
        | literal
    }},
    {%- for column, type in key.items() %}
    {{ column | ident }} {{ type | key_type }},
    {%- endfor %}
    {%- for column, type in attributes.items() %}
    {{ column | ident }} {{ type | type }},
    {%- endfor %}
    {%- for column in references %}
    {{ column | ident }} bigint not null default -1,
    {%- endfor %}
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
    unique ({{ key | idents }}, valid_from),
    {%- for column, other in references.items() %}
    foreign key ({{ column | ident }})
    references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }}),
    {%- endfor %}
    {%- for column in key %}
    -- No check may name the surrogate key, which the system counts: special members are told by
    -- their beginning.
    check (
        {{ column | ident }} is not null
        or (valid_from = timestamp '1000-01-01 00:00:00' and not is_inferred)
    ),
    {%- endfor %}
    check (valid_from < valid_to),
    unique index current_idx ({{ key | idents }}, only_current)
) comment {{
    ("One row per version of " ~ key | join(", ") ~ ": " ~ description)[:2048] | literal
}};
