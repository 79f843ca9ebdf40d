-- grain: one inferred event per natural key that is named and not known (law S17)
-- reads: history.{{ entity }}
{%- set inferred = "inferred_" ~ entity %}
drop temporary table if exists {{ staging | ident }}.{{ inferred | ident }};
create temporary table {{ staging | ident }}.{{ inferred | ident }} (
    unique index ({{ key | idents }})
) as
with named as (
    {{ named }}
)

select distinct {{ key | idents('n') }}
from named as n
left join history.{{ entity | ident }} as h on {{ key | equal('h', 'n') }}
where
    {%- for column in key %}
    n.{{ column | ident }} is not null and
    {%- endfor %}
    h.operation is null;

insert into history.{{ entity | ident }} (
    {{ key | idents }}, effective_at, sequence, source, operation, absent, recorded_at, run_id
)
select
    {{ key | idents('n') }},
    timestamp '1000-01-01 00:00:00',
    0,
    'inferred',
    'inferred',
    %(absent)s,
    %(recorded_at)s,
    %(run_id)s
from {{ staging | ident }}.{{ inferred | ident }} as n;

insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
select {{ key | idents('n') }}
from {{ staging | ident }}.{{ inferred | ident }} as n
on duplicate key update
    {{ (key | list)[0] | ident }} = n.{{ (key | list)[0] | ident }};

select count(*) as appended
from {{ staging | ident }}.{{ inferred | ident }};
