-- grain: statements about rows of {{ target }} whose key the source no longer has (law X8)
-- reads: {{ schema }}.{{ target }}, {{ staging }}: the relations that hold the keys that are there

-- name: find
create unlogged table {{ staging | ident }}.{{ gone | ident }} as
select {{ key | idents('t') }}
from {{ schema | ident }}.{{ target | ident }} as t
where
    {%- for relation in there %}
    not exists (
        select from {{ staging | ident }}.{{ relation | ident }} as k
        where
        {%- for column, named in key.items() %}
            {{ "and " if not loop.first }}k.{{ named | ident }} = t.{{ column | ident }}
        {%- endfor %}
    ) and
    {%- endfor %}
    {%- for relation in held_back %}
    -- a row that waits is not gone
    not exists (
        select from {{ staging | ident }}.{{ relation | ident }} as h
        where
            h.table_name = %(table_name)s
            {%- for column, named in key.items() %}
            and t.{{ column | ident }}
            = audit.read_as(h.payload ->> {{ named | literal }}, null::{{ types[named] | type }})
            {%- endfor %}
    ) and
    {%- endfor %}
    true;

-- name: count
select
    (select count(*) from {{ schema | ident }}.{{ target | ident }}) as present,
    (select count(*) from {{ staging | ident }}.{{ gone | ident }}) as gone;

-- name: remove
delete from {{ schema | ident }}.{{ target | ident }} as t
using {{ staging | ident }}.{{ gone | ident }} as g
where {{ key | equal('g', 't') }};
