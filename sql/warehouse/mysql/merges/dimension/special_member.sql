-- grain: one member of {{ relation }} that stands for no known member (law S15);
-- the natural key stays NULL
-- reads: warehouse.{{ relation }}
insert into warehouse.{{ relation | ident }} (
    {{ surrogate | ident }},
    {%- for column in texts %}
    {{ column | ident }},
    {%- endfor %}
    valid_from,
    valid_to
)
select
    %(member)s,
    {%- for column in texts %}
    %(label)s,
    {%- endfor %}
    timestamp '1000-01-01 00:00:00',
    timestamp '9999-12-31 00:00:00'
from dual
where
    not exists (
        select 1
        from warehouse.{{ relation | ident }} as d
        where d.{{ surrogate | ident }} = %(member)s
    )
