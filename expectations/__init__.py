"""GATES: whether a staged table may pass. One reviewable suite per table, judged in SQL.

suites/        one YAML per staged table: its rules, their severities and their reasons
suites.py      reads and checks them, without the cost of importing Great Expectations
vocabulary.py  the expectations and kwargs that a suite may use
rules.py       named business rules: SQL predicates with their reasons
row_rules.py   the two row expectations of our own, so that such predicates ride the same scan
measures.py    the ones about whole tables: age, share, columns as declared
history.py     bounds from what a rule measured in earlier runs
declared.py    rules that follow from the catalog
asked.py       which rules one judgement asks, and on what terms
gate.py        ``judge`` and ``build_docs``, the only Great Expectations contexts
blame.py       the rows that break critical rules, in one scan of the database
conversion.py  our suites as Great Expectations knows them
written.py     their kwargs as the system of the warehouse understands them
sql.py, uniqueness.py  what PostgreSQL and MySQL write, or the library does for them, in different ways
configurations.py  what an expectation was asked with, told quickly
deferred.py    lets two libraries wait that only one of its expectations needs
verdicts.py    what Great Expectations found, as our handles, without a value of any row
result_store.py, data_docs.py, assets/   stored results and pages that open offline
"""

from expectations.deferred import defer

# Great Expectations imports them for its expectations about distributions alone: a third of the time that its
# own import takes, and 70 MB.
defer("altair", "scipy.stats")
