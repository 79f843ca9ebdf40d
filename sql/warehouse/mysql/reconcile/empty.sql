-- grain: no row: what a release would list in {{ relation }}, where there is no release
-- reads: warehouse.{{ like }}, for the type of its column alone
drop temporary table if exists {{ staging | ident }}.{{ relation | ident }};
create temporary table {{ staging | ident }}.{{ relation | ident }} as
select {{ column | ident }}
from warehouse.{{ like | ident }}
where false;
