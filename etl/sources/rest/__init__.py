"""REST APIs as a source (law X10).

source.py   ``RestSource``: snapshot, windows, what lands
client.py   one request: authentication, rate, retries, limits
auth.py     how a request says who asks
pages.py    page after page, with everything that can be wrong about them
records.py  records and their child lists into Arrow batches
"""
