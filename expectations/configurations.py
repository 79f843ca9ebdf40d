"""The configuration of an expectation, made once in a judgement.

Great Expectations makes it anew whenever it looks a kwarg up, which is a third of what a judgement of few
rows costs: 13,000 times for the eight suites of the shop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


@contextmanager
def made_once() -> Iterator[None]:
    """Within the block, an expectation has one configuration, and is not changed.

    It is one block at a time of all threads: that of :func:`expectations.result_store.one_at_a_time`.
    """
    as_it_was = vars(Expectation)["configuration"]
    # With each its expectation, whose id then is no other's.
    made: dict[int, tuple[Expectation, ExpectationConfiguration]] = {}

    def configuration(expectation: Expectation) -> ExpectationConfiguration:
        if id(expectation) not in made:
            made[id(expectation)] = (expectation, as_it_was.__get__(expectation))
        return made[id(expectation)][1]

    setattr(Expectation, "configuration", property(configuration))  # noqa: B010 - a property, to mypy no attribute
    try:
        yield
    finally:
        setattr(Expectation, "configuration", as_it_was)  # noqa: B010 - as above
