-- grain: one row per calendar day
insert into calendar_days ({{ columns | idents }}) values %s
