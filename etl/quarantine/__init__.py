"""The quarantine for people at a terminal: ``python -m etl.quarantine``, or ``make quarantine``."""
