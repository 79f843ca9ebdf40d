"""Reconciliation: the rows that a source has now, staged, held against what the warehouse has (law X9).

images.py     what the warehouse holds of a source table, and the two queries that say so alike
comparing.py  rows that cannot agree set aside, both sides joined by key, ranges made of the rest
mending.py    the differing ranges loaded again, in one release
keeping.py    what was found, in the audit tables
"""
