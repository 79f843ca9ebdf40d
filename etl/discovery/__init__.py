"""Writes the catalog of a database that nobody has declared yet, and follows it from then on (law X12).

    etl/discovery/found.py         what a database says of its tables: postgresql.py, mysql.py
    etl/discovery/profile.py       a bounded look at the rows
    etl/discovery/declaring.py     what the catalog says of a table: names.py, types.py, cursors.py
    etl/discovery/suites.py        the base suite
    etl/discovery/completing.py    files that are there already

``docs/replicate.md`` says what is chosen, and how.
"""

from etl.discovery.discover import Discovery, Options, discover
from etl.discovery.found import Selection

__all__ = ["Discovery", "Options", "Selection", "discover"]
