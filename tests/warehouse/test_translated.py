"""What catalog and suites say for PostgreSQL says the same on MySQL and MariaDB, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Database, from_json
from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.patterns import translated as translated_pattern
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql

TYPES = {
    "id": "bigint",
    "quantity": "integer",
    "other": "bigint",
    "amount": "decimal(12,2)",
    "ratio": "double",
    "name": "text",
    "nick": "text",
    "flag": "boolean",
    "day": "date",
    "since": "date",
    "at": "timestamp",
    "until": "timestamp",
    "hour": "time",
    "document": "json",
    "token": "uuid",
    "bytes": "bytes",
    "Größe `%s": "integer",
}
AT = datetime(2024, 2, 29, 23, 59, 59, 123456, UTC)
TOKEN, OTHER_TOKEN = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "f0000000-0000-4000-8000-00000000000a"
FOUND = '{"x": {"y": "z"}, "n": null, "l": [1, "two"]}'
ROWS: list[tuple[Any, ...]] = [
    (
        *(1, 7, -2, Decimal("10.05"), 0.5, "Ana", "x", True, date(2024, 2, 29), date(2024, 2, 29)),
        *(AT, AT.replace(day=1), time(8), FOUND, TOKEN, b"\xde\xad", 1),
    ),
    (
        *(2, -7, 3, Decimal("-2.50"), 2.5, "ÁRVÍZ ", "it's", False, date(2023, 12, 31), date(2000, 1, 1)),
        *(AT, AT.replace(year=2025, day=28), None, '{"x": 5}', OTHER_TOKEN, b"", 2),
    ),
    (
        *(3, 0, None, Decimal("0.00"), -1.5, "US\n", "B", None, date(1999, 1, 1), date(2026, 1, 1)),
        *(datetime(2024, 1, 1, tzinfo=UTC), None, time(1), None, None, None, 3),
    ),
    (4, *(None,) * 16),
    (
        *(5, 2, 1, Decimal("3.33"), 1e10, "a'b\\c%d_e", None, True, date(2024, 7, 1), None),
        *(AT.replace(month=7), AT, time(23, 59), "[]", TOKEN, b"a'b", 5),
    ),
    (
        *(6, 9, -2, Decimal("12.35"), 2.5, "a-Bé-%c", "x", True, date(2026, 3, 29), date(2024, 2, 29)),
        *(datetime(2026, 3, 29, 1, 30, 15, 250000, UTC), datetime(2025, 12, 31, 23, 59, 59, 999999, UTC)),
        *(None, None, None, None, None),
    ),
    (
        *(7, -9, 3, Decimal("-0.05"), -0.1, "", "it's", False, date(1999, 12, 31), date(2000, 1, 1)),
        *(
            datetime(1969, 12, 31, 23, 30, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            None,
            None,
            None,
            None,
            7,
        ),
    ),
]
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
SAME = [
    "quantity::numeric / 4",
    "- quantity + 3",
    "quantity - -1",
    "round(amount / 3, 2)",
    "round(amount)",
    "trunc(amount, 1)",
    "abs(quantity) * 1e2",
    "least(quantity, amount, 1)",
    "greatest(quantity, 1)",
    "coalesce(quantity, 0) + id",
    "quantity between 1 and 7",
    "quantity not in (7, 2)",
    "flag",
    "not flag",
    "flag is not true",
    "flag = true or quantity = 0",
    "name is null",
    "name = 'Ana'",
    "name = 'ana'",
    "name = 'ÁRVÍZ'",
    "name < 'a'",
    "name like 'A%'",
    "name not like 'A%'",
    "name ilike 'á%'",
    "name not ilike 'á%'",
    "name like '%\\n' escape '|'",
    "quantity not between 1 and 3",
    "quantity between symmetric 3 and 1",
    "flag isnull",
    "flag notnull",
    "not (flag and quantity > 1)",
    "name like '%\\%d\\_e'",
    "name ~ '^[A-Z]{2}$'",
    "name ~* '^an'",
    "name !~ 'z'",
    "'Dear ' || name",
    "concat(name, '!', quantity)",
    "quantity || ' of ' || amount",
    "trim(name)",
    "left(name, 2)",
    "right(name, 2)",
    "position('z' in lower(name))",
    "replace(name, 'a', '%s')",
    "starts_with(name, 'A')",
    "case when flag then 'far' else 'near' end",
    "case quantity when 7 then amount when 2 then 0 end",
    "day - 1",
    "day - date '2024-01-01'",
    "day + interval '1 month'",
    "at + interval '1 day'",
    "at - interval '90 minutes'",
    "at::date",
    "at::date + 1",
    "(at at time zone 'Europe/Lisbon')::date",
    "at::time",
    "day::timestamp",
    "day::text",
    "at > until",
    "at > '2024-03-01T00:00:00+02:00'",
    "at between '2024-02-29 23:59:59Z' and '2024-03-01 01:00+00'",
    "at in ('2024-01-01 01:00+01')",
    "at = timestamptz '2024-01-01 00:00Z'",
    "day <= at",
    *(f"date_trunc('{unit}', at)" for unit in UNITS),
    "date_trunc('hour', at, 'UTC') = at",
    *(f"extract({field} from at)" for field in (*UNITS, "dow", "isodow", "doy", "epoch")),
    "extract(year from day)",
    "extract(epoch from until - at)",
    "date_part('hour', at)",
    "hour < '12:00'",
    "name::text = 'Ana'",
    "quantity::text",
    "amount::numeric(10,1)",
    "'12'::integer + 1",
    "'true'::boolean",
    '"Größe `%s" + 1',
    "quantity > 1 -- and nothing else",
    "(quantity, amount) = (7, 10.05)",
    "id in (select t.id from warehouse.things as t where t.quantity > 0)",
    "id not in (with big as (select id from warehouse.things where amount > 3) select big.id from big)",
    "exists (select 1 from warehouse.things as o where o.quantity = - things.quantity)",
    "(select max(t.amount) from warehouse.things as t)",
    "(select count(*) filter (where flag) from warehouse.things)",
    "(select count(distinct flag) from warehouse.things)",
    "(select sum(quantity) / 2 from warehouse.things)",
    "(select sum(id) / 2 from warehouse.things)",
    "(select sum(n.n) from (select 1 as n union all select 2 union select 2) as n)",
    "id in (select r.id from (select id, row_number() over (order by quantity desc) as place"
    " from warehouse.things) as r where r.place = 1)",
    "id in (select a.id from warehouse.things as a left join warehouse.things as b on a.id = b.quantity"
    " where b.id is null group by a.id having count(*) = 1)",
    "(select id from warehouse.things order by quantity limit 1)",
    "flag = 'true'",
    "coalesce(at, '2024-01-01T00:00:00+02:00') > until",
    "case when quantity = 7 then '2025-01-01T00:00:00+02:00' else at end > until",
    "at::timestamp > '2024-03-01'",
    "interval '1 hour' + at",
    "day::timestamp at time zone 'Europe/Lisbon'",
    "at at time zone 'Asia/Tokyo' > day",
    "extract(hour from hour)",
    "split_part('a---b', '--', 2)",
    "rpad(name, 5)",
    "concat(null, name)",
    "(amount * 1.50)::text",
    "token = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "token in (('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'))",
    "token not in ('{A0EEBC999C0B4EF8BB6D6BB9BD380A11}', null)",
    "token between 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' and 'F0000000-0000-4000-8000-000000000000'",
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' between token and token",
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' in (select token from warehouse.things)",
    "token > 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "token is distinct from 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "token = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid",
    "token::text = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "coalesce(token, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')::text",
    "nullif(token, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') is null",
    "least(token, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') = token",
    "case token when 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' then 1 else 0 end",
    "token = case when flag then 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' else token end",
    "(token, at) in (('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2024-02-29 23:59:59.123456Z'))",
    "(at, quantity) = ('2024-01-01 01:00+01', 0)",
    "(quantity, '2024-01-01 01:00+01') in (select t.quantity, t.at from warehouse.things as t)",
    "token || ' of ' || name",
    "concat(token, '!')",
    "'2024-02-29 23:59:59.123456Z' between until and at",
    "bytes = bytes",
    "bytes <> (select t.bytes from warehouse.things as t where t.id = 1)",
    "document = null",
    "quantity = ' 7 '",
    "amount in ('10.05', '-25e-1')",
    "ratio < '2.5e0'",
    "coalesce(quantity, '5') / 2",
    "id = '1' or other = (-2)",
    "day = '20231231'",
    "flag::integer = 1",
]  # fmt: skip
COLUMNS = [
    ("quantity + other", "bigint"),
    ("quantity / other", "integer"),
    ("quantity / nullif(other, 0)", "integer"),
    ("(quantity + 1) / 2 / 2", "integer"),
    ("quantity / 2.0", "decimal(12,4)"),
    ("100 * amount / nullif(quantity, 0)", "decimal(12,4)"),
    ("amount / 3", "decimal(20,10)"),
    ("ratio / 3", "double"),
    ("quantity % 3", "integer"),
    ("mod(quantity, 3) = 1 and name is not null", "boolean"),
    ("abs(quantity) - -other", "bigint"),
    ("round(amount, 1)", "decimal(10,1)"),
    ("trunc(amount)", "decimal(10,0)"),
    ("floor(amount)", "integer"),
    ("ceil(amount)", "integer"),
    ("amount::integer", "integer"),
    ("amount::numeric", "decimal(20,4)"),
    ("amount::numeric(10,1) * 2", "decimal(10,1)"),
    ("ln(nullif(abs(amount), 0))", "decimal(20,10)"),
    ("log(100)", "decimal(20,10)"),
    ("power(quantity, 2)", "double"),
    ("day - since", "integer"),
    ("day + 1", "date"),
    ("day - quantity", "date"),
    ("1 + since", "date"),
    ("day between since and since + 1000", "boolean"),
    ("extract(epoch from at - until)", "decimal(20,6)"),
    ("extract(year from at at time zone 'UTC')", "integer"),
    ("extract(second from at at time zone 'UTC')", "decimal(10,6)"),
    ("extract(dow from day)", "integer"),
    ("extract(isodow from day)", "integer"),
    ("extract(doy from day)", "integer"),
    ("extract(week from since)", "integer"),
    ("extract(isoyear from since)", "integer"),
    ("extract(quarter from day)", "integer"),
    ("date_part('month', day)", "integer"),
    ("(at at time zone 'UTC')::date", "date"),
    ("(at at time zone 'Asia/Tokyo')::date", "date"),
    ("(until at time zone 'Europe/Berlin')::time", "time"),
    ("date_trunc('month', at at time zone 'UTC')::date", "date"),
    ("date_trunc('week', until at time zone 'America/New_York')::date", "date"),
    ("date_trunc('quarter', until at time zone 'UTC') at time zone 'UTC'", "timestamp"),
    ("date_trunc('hour', at at time zone 'UTC') at time zone 'UTC'", "timestamp"),
    ("date_trunc('minute', at at time zone 'UTC') at time zone 'UTC'", "timestamp"),
    ("at < until", "boolean"),
    ("flag::text", "text"),
    ("flag::integer", "integer"),
    ("quantity::boolean", "boolean"),
    ("not flag or quantity > 0", "boolean"),
    ("flag is distinct from (quantity > 0)", "boolean"),
    ("quantity is not distinct from null", "boolean"),
    ("case when flag then 'far' when quantity = 1 then name else nick end", "text"),
    ("coalesce(name, nick, 'none')", "text"),
    ("nullif(name, '')", "text"),
    ("greatest(quantity, other, 0)", "bigint"),
    ("least(day, since)", "date"),
    ("name || ' ' || nick", "text"),
    ("flag || '%'", "text"),
    ("upper(name) || lower(nick)", "text"),
    ("length(name)", "integer"),
    ("octet_length(name)", "integer"),
    ("trim(both 'a' from name)", "text"),
    ("left(name, 2) || right(nick, 1)", "text"),
    ("substring(name from 2 for 3)", "text"),
    ("replace(name, '-', '''\\')", "text"),
    ("position('-' in name)", "integer"),
    ("split_part(name, '-', 1)", "text"),
    ("split_part(name, '-', 3)", "text"),
    ("split_part(name, '-', 4)", "text"),
    ("name like 'a-%' and name not like '%\\%'", "boolean"),
    ("name like '%\\%c'", "boolean"),
    ("name ilike 'A-b%'", "boolean"),
    ("name ~ '^a-[A-Z]'", "boolean"),
    ("name ~* '^A-b'", "boolean"),
    ("regexp_replace(name, '[-%]', '+', 'g')", "text"),
    ("name in ('', 'B') or nick in ('B')", "boolean"),
    ("lpad(quantity::text, 5, '0')", "text"),
    ("amount::text", "text"),
    ("name::varchar(3)", "text"),
    ("md5(name)", "text"),
    ("document ->> 'x'", "text"),
    ("document -> 'x' ->> 'y'", "text"),
    ("document ->> 'n'", "text"),
    ("'100%'", "text"),
    ("quantity = 7 and amount > 1.5 or ratio < 0", "boolean"),
    ("flag", "text"),
    ("quantity", "text"),
    ("amount", "decimal(10,1)"),
    ("amount", "integer"),
    ("null", "date"),
    ("day", "timestamp"),
    ("at at time zone 'Asia/Tokyo'", "timestamp"),
    ("coalesce(document, document)", "json"),
    ("coalesce(bytes, bytes)", "bytes"),
    ("coalesce(token, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')", "text"),
    ("case when quantity > 0 then 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' else token end = token", "boolean"),
    (r"regexp_replace(name, '^\s*([[:alpha:]]+)[|?*]?(?=\y|z|)', '', 'g')", "text"),
]  # fmt: skip
REFUSED = {
    "current_query()": "no counterpart",
    "no_column / 2": "whole numbers",
    "no_column + 1": "may be of dates",
    "at - until > interval '1 day'": "is an interval",
    "age(at) > interval '1 year'": "no counterpart",
    "to_char(at, 'YYYY')": "no counterpart",
    "name similar to 'a'": "no counterpart",
    "quantity = any(array[1, 2])": "no counterpart",
    "name ~ name": "a pattern that stands in the text",
    "name ~ '(?n)^a$'": "PostgreSQL's alone",
    "ratio::integer": "no counterpart",
    "at::text": "no counterpart",
    "concat(flag, 'x')": "cast the boolean to text",
    "trim(both 'ab' from name)": "several signs",
    "substring(name from 0 for 2)": "from 1 on",
    "at::timestamp at time zone 'Asia/Tokyo'": "needs an instant or, but for UTC",
    "extract(epoch from no_column)": "needs a date",
    "interval '1 day 2 hours' + at": "one unit",
    "at + interval '1 day 2 hours'": "one unit",
    "name like any (array['a'])": "no counterpart",
    "count(*) over (partition by flag rows 2 preceding) = 1": "no counterpart",
    "sum(distinct quantity) > 1 and id in (select id from warehouse.things for update)": "no counterpart",
    "quantity >": "syntax error",
    "quantity; select 1": "syntax error",
    "quantity, amount": "not one",
    "(quantity, amount) is distinct from (1, 2)": "compares rows",
    "quantity in (select t.id from warehouse.things as t natural join warehouse.things)": "no counterpart",
    "(amount / 4)::text": "no counterpart",
    "coalesce(amount, 0) || ''": "another way",
    "quantity::numeric::text": "no counterpart",
    "name::char(3)": "no counterpart",
    "name::date": "no counterpart",
    "power(amount, 2)": "exact in PostgreSQL alone",
    "log(2, 8)": "no counterpart",
    "sqrt(quantity)": "no counterpart",
    "round(ratio)": "may be of a float",
    "day at time zone 'UTC'": "needs an instant",
    "at at time zone 'Mars/Base'": "not known",
    "at::timestamp = '2024-01-01T00:00Z'": "has a time zone",
    "flag = 'maybe'": "neither 'true' nor 'false'",
    "extract(day from hour)": "needs a date or an instant",
    "hour + interval '1 hour'": "may be of dates",
    "document -> 0": "needs a document and a name",
    "name -> 'x'": "needs a document and a name",
    "split_part(name, '-', -1)": "a place from 1 on",
    "regexp_replace(name, 'a', 'b')": "needs 'g'",
    "regexp_replace(name, 'a', '$1', 'g')": "a plain text",
    "lpad(name, 3, '')": "needs a number and a text",
    "at at time zone name": "stands in the text",
    "quantity / unknown(other)": "may be of whole numbers",
    "unknown(other) = name": "no counterpart",
    """document = '{"x": 5}'""": "puts a document beside another",
    """document in ('{"x": 5}')""": "puts a document beside another",
    "document = document": "puts a document beside another",
    "document -> 'x' is distinct from document -> 'y'": "puts a document beside another",
    "document = no_column": "puts a document beside another",
    "nullif(document, '{}') is null": "puts a document beside another",
    "coalesce(document, '{}') is null": "a text in quotes beside a document",
    "(document, id) = (document, 1)": "puts a document beside another",
    "document in (select t.document from warehouse.things as t)": "puts a document beside another",
    "(select count(distinct document) from warehouse.things) = 1": "compares documents",
    "exists (select distinct t.document from warehouse.things as t)": "compares documents",
    "exists (select 1 from warehouse.things as t group by t.document)": "compares documents",
    "exists (select 1 from warehouse.things as t order by t.document)": "compares documents",
    "exists (select t.document from warehouse.things as t union select null)": "compares documents",
    "exists (select 1 from warehouse.things as t join warehouse.things as o using (document))":
        "compares documents",
    "row_number() over (partition by document order by id) = 1": "compares documents",
    "(select max(document) from warehouse.things) is null": "no counterpart",
    "(select max(flag) from warehouse.things)": "no counterpart",
    r"bytes = '\xdead'": "a text in quotes beside bytes",
    r"bytes between '\x00' and '\xff'": "a text in quotes beside bytes",
    r"coalesce(bytes, '\x') is null": "a text in quotes beside bytes",
    "bytes = name": "a text beside bytes",
    "name = 5": "a number beside a text",
    "5 < name": "a number beside a text",
    "name in ('a', 5)": "a number beside a text",
    "id in (select t.name from warehouse.things as t)": "a number beside a text",
    "quantity between 1 and name": "a number beside a text",
    "case name when 1 then true end": "a number beside a text",
    "case when flag then name else 1 end = 'a'": "a number beside a text",
    "coalesce(name, 0) = '0'": "a number beside a text",
    "greatest(name, 5) = '5'": "a number beside a text",
    "nullif(quantity, name) = 1": "a number beside a text",
    "(quantity, name) = (7, 7)": "a number beside a text",
    "quantity is not distinct from name": "a number beside a text",
    "quantity = coalesce('7', '8')": "a number beside a text",
    "document ->> 'x' = 5": "a number beside a text",
    "flag = 1": "a boolean beside a number",
    "1 <> flag": "a boolean beside a number",
    "flag in (1, 0)": "a boolean beside a number",
    "case flag when 1 then 2 end": "a boolean beside a number",
    "(quantity > 1) = 1": "a boolean beside a number",
    "flag = name": "a boolean beside a text",
    "day = 20240229": "a date or an instant beside a number",
    "at = name": "a date or an instant beside a text",
    "hour < 5": "a number beside a time",
    "token = name": "a text beside a uuid",
    "token = lower('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')": "a text beside a uuid",
    "token = 'A0EEBC99'": "is no UUID",
    "token in ('urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')": "is no UUID",
    "name::uuid = token": "no counterpart",
    "token like 'a%'": "needs a text",
    "quantity ilike '7%'": "needs a text",
    "token ~ '^A'": "needs a text",
    r"document like '%\%' escape '|'": "needs a text",
    "quantity = '7.0'": "is no whole number",
    "quantity = 'seven'": "is no whole number",
    "amount > 'NaN'": "is no number",
    "ratio < 'infinity'": "is no number",
    "day = '2024-02-29 23:00'": "is no day",
    "at = 'yesterday'": "is no instant",
    "hour < '12'": "is no time",
    "(quantity, amount) = (1, 2, 3)": "rows of several lengths",
    "regexp_replace(name, 'a|ab', 'X', 'g')": "the longest",
    "regexp_replace(name, 'a+?b*', 'X', 'g')": "the longest",
    "regexp_replace(name, 'a{1,2}?b', 'X', 'g')": "the longest",
    "regexp_replace(name, 'a+(ab)?', 'X', 'g')": "the longest",
    r"regexp_replace(name, '(a+)\1', 'X', 'g')": "the longest",
    r"regexp_replace(name, '\s*', 'X', 'g')": "an empty text",
    r"regexp_replace(name, '^\y(?=a|b)', 'X', 'g')": "an empty text",
}  # fmt: skip
OF_THE_SESSION = [
    ("at::date", "date"),
    ("extract(year from at)", "integer"),
    ("date_trunc('month', at)", "timestamp"),
    ("date_trunc('month', day)", "timestamp"),
    ("at + interval '1 day'", "timestamp"),
    ("at::timestamp", "timestamp"),
    ("day <= at", "boolean"),
]
PATTERNS = [
    *("^a.c$", "a$", r"\yb\y", r"\mb", r"b\M", "^[^a-c]+$", r"[\]\-x]", "[[:upper:]]", "(?i)^AB", r"\d{2}"),
    *(
        r"^\w+$",
        r"\.",
        "^(ab|cd)*$",
        r"(a)\1",
        "x(?=y)",
        "x(?!y)",
        "[a&&b]",
        r"\Aab\Z",
        "^é",
        "[É-é]",
        r"[^\d]",
    ),
]
TEXTS = [
    *("abc", "a\nc", "ab\n", "a b c", "b", "]", "-", "A", "AB", "abab", "aa", "ab", "12", "x", "xy", "a."),
    *("é", "É", "a&b", "_a", "Ünï", ""),
]


@pytest.fixture(scope="module")
def systems(postgres_server: str, mysql_server: str) -> Iterator[tuple[Database, MySQL]]:
    """The same things on PostgreSQL and on MySQL or MariaDB."""
    settings = Settings(_env_file=None)
    urls = zip(fresh_postgresql(postgres_server), fresh_mysql_warehouse(mysql_server), strict=True)
    for postgres_url, mysql_url in urls:
        both = open_database(postgres_url, settings), MySQL(mysql_url, settings)
        _fill(both)
        yield both


def _fill(both: tuple[Database, MySQL]) -> None:
    for database in both:
        with database.own_session() as session:
            if isinstance(database, MySQL):
                session.execute(f"create database warehouse collate {database.collation}")
            else:
                session.execute("create schema warehouse")
            columns = [f"{session.identifier(name)} {database.type_of(kind)}" for name, kind in TYPES.items()]
            session.execute(f"create table warehouse.things ({', '.join(columns)})")
            session.insert("warehouse.things", list(TYPES), ROWS)


@pytest.mark.parametrize("text", SAME)
def test_a_value_is_the_same_on_both(systems: tuple[Database, MySQL], text: str) -> None:
    first, second = (_values(database, text) for database in systems)
    assert [_plain(value) for value in second] == [_plain(value) for value in first]


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=REFUSED)
def test_what_would_mean_something_else_is_refused(
    systems: tuple[Database, MySQL], text: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        systems[1].predicate(text, "warehouse", "things")


@pytest.mark.parametrize(("text", "column_type"), COLUMNS)
def test_a_column_is_the_same_on_both(systems: tuple[Database, MySQL], text: str, column_type: str) -> None:
    first, second = (_column(database, text, column_type) for database in systems)
    assert [_plain(value) for value in second] == [_plain(value) for value in first]


@pytest.mark.parametrize(("text", "column_type"), OF_THE_SESSION)
def test_a_column_that_depends_on_the_session_is_refused_by_both(
    systems: tuple[Database, MySQL], text: str, column_type: str
) -> None:
    with pytest.raises(systems[0].errors, match="not immutable"):
        _column(systems[0], text, column_type)
    with pytest.raises(ValueError, match="depends on more than the row"):
        _column(systems[1], text, column_type)


@pytest.mark.parametrize(
    ("text", "column_type", "why"),
    [
        ("name", "integer", "is a text"),
        ("flag", "integer", "is a boolean"),
        ("ratio", "integer", "no counterpart"),
        ("amount / 3", "text", "no counterpart"),
    ],
)
def test_a_value_that_its_column_would_change_is_refused(
    systems: tuple[Database, MySQL], text: str, column_type: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        systems[1].expression(text, TYPES, column_type)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_the_same_texts(systems: tuple[Database, MySQL], pattern: str) -> None:
    found = []
    for database in systems:
        sign = "regexp" if isinstance(database, MySQL) else "~"
        with database.own_session() as session:
            found.append(
                [
                    bool(session.single(f"select %s {sign} %s", (text, database.pattern(pattern))))
                    for text in TEXTS
                ]
            )
    assert found[0] == found[1]
    assert True in found[0] or pattern == "[a&&b]"


@pytest.mark.parametrize("pattern", ["***=a", "(?n)a", "a(?i)b", r"\ka", "[[.a.]]", "[a"])
def test_patterns_of_postgresql_alone_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        translated_pattern(pattern)


def test_instants_are_read_in_utc(systems: tuple[Database, MySQL]) -> None:
    postgresql, mysql = systems
    assert postgresql.instant("2024-05-01T10:00:00+02:00") == "2024-05-01T10:00:00+02:00"
    assert mysql.instant("2024-05-01T10:00:00+02:00") == "2024-05-01 08:00:00.000000"
    assert mysql.instant("2024-05-01 10:00:00.5Z") == "2024-05-01 10:00:00.500000"
    assert mysql.instant("2024-05-01") == "2024-05-01"
    assert mysql.instant("20240501") == "20240501"


def test_uuids_are_written_as_columns_keep_them(systems: tuple[Database, MySQL]) -> None:
    postgresql, mysql = systems
    assert postgresql.uuid(TOKEN.upper()) == TOKEN.upper()
    assert mysql.uuid(TOKEN.upper()) == mysql.uuid(f"{{{TOKEN.replace('-', '')}}}") == TOKEN
    with pytest.raises(ValueError, match="'a0ee' is no UUID"):
        mysql.uuid("a0ee")


def _values(database: Database, text: str) -> list[Any]:
    written = database.predicate(text, "warehouse", "things").replace("%", "%%")
    with database.own_session() as session:
        session.execute(f"select ({written}\n) from warehouse.things as things order by things.id")
        return [value for (value,) in session.fetchall()]


def _column(database: Database, text: str, column_type: str) -> list[Any]:
    written = database.expression(text, TYPES, column_type).replace("%", "%%")
    with database.own_session() as session:
        session.execute(
            f"alter table warehouse.things add column made {database.type_of(column_type)}"
            f" generated always as ({written}) stored"
        )
        session.execute("select made from warehouse.things order by id")
        found = [value for (value,) in session.fetchall()]
        session.execute("alter table warehouse.things drop column made")
    return list(map(from_json, found)) if column_type == "json" else found


def _plain(value: Any) -> Any:
    """Numbers with the digits that both give, booleans as numbers, instants without a zone, bytes."""
    if isinstance(value, bool | int):
        return Decimal(int(value))
    if isinstance(value, Decimal | float):
        return round(Decimal(value), 10).normalize() + 0
    if isinstance(value, memoryview):
        return bytes(value)
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
