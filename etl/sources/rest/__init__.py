"""REST APIs: pages of JSON records, whole or an error, as a stream of Arrow batches (law X10).

source.py       the Source: windows, parts, batches
pages.py        the pages of one list, held against each other
paging.py       which request gets the next page, for each kind of pagination
client.py       one page: tries, redirects, status, a new token after a 401
exchange.py     one request and its whole answer
auth.py         credentials and tokens
pacing.py       the rate limit, and what Retry-After holds back
records.py      records to rows of texts; drift; the window
instants.py     instants of records, and ends of windows, in their forms
json_text.py    JSON with numbers as they were written
failures.py     what went wrong, in words without a secret
"""

from etl.sources.rest.source import RestSource

__all__ = ["RestSource"]
