-- grain: statements that take away rows of {{ target }} that a release would not put right
-- reads: {{ staging }}.{{ joined }}, {{ staging }}.{{ relation }}, {{ schema }}.{{ target }}

-- name: count_ending
select
    (select count(*) from {{ schema | ident }}.{{ target | ident }}) as present,
    (
        select count(*) from {{ staging | ident }}.{{ joined | ident }} as j
        where j._finding = 'extra'
    ) as ending;

-- name: remove_wrong
-- What another release of the row would not give way to goes first; its right state is staged.
delete from {{ schema | ident }}.{{ target | ident }}
using {{ schema | ident }}.{{ target | ident }}
inner join {{ staging | ident }}.{{ joined | ident }} as j
    on {{ key_parts | equal("j", (schema | ident) ~ "." ~ (target | ident)) }}
left join {{ staging | ident }}.{{ relation | ident }} as s
    on
    {%- for name, own in staged_key.items() %}
        {{ "and " if not loop.first }}j.{{ name | ident }} = s.{{ own.name | ident }}
    {%- endfor %}
where j._finding = 'extra' or (j._finding = 'changed' and s._row is not null);
