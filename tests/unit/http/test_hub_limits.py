"""Rate limit and choice of form, without a socket."""

import pytest

from tessera.http.accept import preferred
from tessera.http.limits import Buckets, Rate

OFFERS = ("application/json", "text/turtle", "application/ld+json")


def test_a_bucket_empties_and_fills_again_for_each_address_alone() -> None:
    now = [100.0]
    buckets = Buckets(Rate(burst=2, per_second=0.5), lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    assert buckets.take("b")
    now[0] += 1.9
    assert not buckets.take("a")
    now[0] += 0.2
    assert buckets.take("a")
    now[0] += 1000
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]


def test_addresses_are_forgotten_before_memory_runs_out() -> None:
    buckets = Buckets(Rate(burst=1, per_second=0), lambda: 0.0)
    assert buckets.take("first")
    for i in range(10_000):
        assert buckets.take(str(i))
    assert buckets.take("first")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/turtle", "text/turtle"),
        ("text/*", "text/turtle"),
        ("TEXT/TURTLE; q=0.9, application/ld+json", "application/ld+json"),
        ("text/turtle;q=0.5, */*;q=0.1", "text/turtle"),
        ("application/json;q=0, text/turtle", "text/turtle"),
        ("application/json;q=0, */*", "text/turtle"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
        ("text/turtle;q=high", "application/json"),
    ],
)
def test_the_form_that_the_caller_likes_best_is_chosen(accept: str, form: str) -> None:
    assert preferred(accept, OFFERS) == form
