-- grain: one row less per row of {{ target }} that a release would not put right
-- reads: {{ staging }}.{{ joined }}, {{ staging }}.{{ relation }}, {{ schema }}.{{ target }}
-- What another release of the row would not give way to goes first; its right state is staged.
delete from {{ schema | ident }}.{{ target | ident }} as t
using {{ staging | ident }}.{{ joined | ident }} as j
where
    {{ parts | equal('j', 't') }}
    and (
        j._finding = 'extra'
        or (
            j._finding = 'changed'
            and exists (
                select from {{ staging | ident }}.{{ relation | ident }} as s
                where
                {%- for column, staged in staged_key.items() %}
                    {{ "and " if not loop.first }}s.{{ staged.name | ident }} = j.{{ column | ident }}
                {%- endfor %}
            )
        )
    )
