-- grain: the rows whose keys are staged
delete from {{ target }}
where {{ key }} in (select gone.{{ key }} from demo_changed_rows as gone)
