-- grain: one row per staged row that may say something new of its key
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}
{%- import "compare.sql" as compare %}
{%- set effective_at = "s." ~ (effective_column | ident) if effective_column
    else "cast(%(window_end)s as datetime(6))" %}
-- LT02: the linter loses the indent around the template's ifs
-- noqa: disable=LT02
drop temporary table if exists {{ staging | ident }}.{{ told | ident }};
create temporary table {{ staging | ident }}.{{ told | ident }} (
    primary key (_row)
) as
select s.* -- noqa: AM04
from {{ staging | ident }}.{{ relation | ident }} as s
where
    coalesce(
        (
            select
                h.operation = {{ operation }}
                {%- if mode == 'observed' and existence %}
                and h.effective_at = {{ effective_at }}
                {%- endif %}
                and (
                    h.operation = 'delete'
                    or ({{ compare.same_named(columns, 'h', 's') }})
                ) as is_known
            from history.{{ entity | ident }} as h
            where
                {{ key | equal('h', 's') }}
                and h.source = %(source)s
                {%- if mode == 'snapshot' %}
                and h.effective_at <= {{ effective_at }}
                {%- elif not existence %}
                and h.effective_at = {{ effective_at }}
                {%- endif %}
            order by h.effective_at desc, h.sequence desc
            limit 1
        ), false
    ) is false
    {%- if existence %}
    or exists (
        select 1 from history.{{ entity | ident }} as h
        where
            {{ key | equal('h', 's') }}
            and h.operation = 'delete'
            and h.effective_at >= {{ effective_at }}
    )
    {%- endif %}
-- noqa: enable=LT02
