-- grain: one value: a text as a source landed it, read as the type of a column
-- The second argument only names the type, and takes the value. What cannot be read is NULL, and
-- equals no key.
create or replace function audit.read_as(landed text, kind anyelement)
returns anyelement
language plpgsql stable
as $$
begin
    -- converted here and not on return, which the handler below would not see
    kind := landed;
    return kind;
exception when data_exception then
    return null;
end
$$;
comment on function audit.read_as is
'Keys of rejected rows are known by their landed text only (law Q2)';
