-- grain: one row per staged row that may say something new of its key
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}
{%- set effective_at = "s." ~ (effective_column | ident) if effective_column
    else "%(window_end)s::timestamptz" %}
-- What stands there already is left out by one look into the history per row; the few rows that
-- are left are placed with care. Where the source says who exists, deletes by any source are looked
-- at, too: where one is newest, the row is placed, as its member may have to come back (law S3).
drop table if exists {{ staging | ident }}.{{ told | ident }};
create unlogged table {{ staging | ident }}.{{ told | ident }} as
with staged as (
    select * from {{ staging | ident }}.{{ relation | ident }}
)

-- AM04: the columns are those of the relation, whatever they are
-- LT02: the linter loses the indent within the template's ifs
-- noqa: disable=LT02
select s.* -- noqa: AM04
from staged as s
where
    (
        select
            h.source = %(source)s
            and h.operation = {{ operation }}
            {%- if mode == 'observed' and existence %}
            and h.effective_at = {{ effective_at }}
            {%- elif existence %}
            and h.effective_at <= {{ effective_at }}
            {%- endif %}
            and (
                h.operation = 'delete'
                or row({{ columns | idents('h') }})
                is not distinct from row({{ columns.values() | idents('s') }})
            ) as is_known
        from history.{{ entity | ident }} as h
        where
            {{ key | equal('h', 's') }}
            and (
                {{ "h.operation = 'delete'" if existence else "false" }}
                or (
                    h.source = %(source)s
                    {%- if mode == 'snapshot' %}
                    and h.effective_at <= {{ effective_at }}
                    {%- elif not existence %}
                    and h.effective_at = {{ effective_at }}
                    {%- endif %}
                )
            )
        order by h.effective_at desc, h.sequence desc, h.source desc
        limit 1
    ) is not true
-- noqa: enable=LT02
