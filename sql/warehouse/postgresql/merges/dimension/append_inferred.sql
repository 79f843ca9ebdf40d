-- grain: one inferred event per natural key that is named and not known (law S17)
-- reads: history.{{ entity }}
with named as (
    {{ named }}
),

appended as (
    insert into history.{{ entity | ident }} (
        {{ key | idents }}, effective_at, sequence, source, operation, absent, recorded_at, run_id
    )
    select distinct
        {{ key | idents('n') }},
        '1000-01-01 00:00:00+00'::timestamptz,
        0,
        'inferred',
        'inferred',
        %(absent)s::text[],
        transaction_timestamp(),
        %(run_id)s
    from named as n
    where
        {%- for column in key %}
        n.{{ column | ident }} is not null and
        {%- endfor %}
        not exists (select from history.{{ entity | ident }} as h where {{ key | equal('h', 'n') }})
    returning {{ key | idents }}
),

noted as (
    insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
    select {{ key | idents }} from appended
    on conflict do nothing
)

select count(*) as appended from appended
