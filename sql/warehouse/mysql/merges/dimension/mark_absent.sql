-- grain: every event of a {{ entity }} from before the attributes were declared (law S14)
update history.{{ entity | ident }}
set absent = json_merge_preserve(absent, %(gained)s)
