"""Guessing is slowed, and nobody is locked out for good by somebody else's guesses."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from tessera.hub.sign_in_limits import SignInLater, SignInLimits

NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)


def guesses(limits: SignInLimits, hours: float, account: str, address: str) -> int:
    """Guess as fast as is allowed; return how often it was."""
    at, n = NOW, 0
    while at < NOW + timedelta(hours=hours):
        try:
            limits.attempt(account, address, at)
            n += 1
        except SignInLater as later:
            assert 1 <= later.wait_s <= 900
            at += timedelta(seconds=later.wait_s)
    return n


def test_one_address_gets_few_guesses_in_a_day() -> None:
    assert guesses(SignInLimits(), 24, "anna", "192.0.2.1") < 120


def test_one_address_gets_few_guesses_over_many_accounts() -> None:
    limits, n = SignInLimits(), 0
    for i in range(1000):
        try:
            limits.attempt(f"user{i}", "192.0.2.1", NOW)
            n += 1
        except SignInLater:
            pass
    assert n == 20


def test_many_addresses_get_few_guesses_at_one_account() -> None:
    limits, n = SignInLimits(), 0
    for i in range(1000):
        try:
            limits.attempt("anna", f"192.0.2.{i}", NOW)
            n += 1
        except SignInLater:
            pass
    assert n == 50


def test_the_owner_gets_in_from_a_known_address_while_others_guess() -> None:
    limits = SignInLimits()
    limits.attempt("anna", "home", NOW)
    limits.succeeded("anna", "home")
    for i in range(1000):
        with suppress(SignInLater):
            limits.attempt("anna", f"192.0.2.{i}", NOW)
    with pytest.raises(SignInLater):
        limits.attempt("anna", "hotel", NOW)
    limits.attempt("anna", "home", NOW)


def test_a_wait_ends_and_a_success_forgets_the_mistakes() -> None:
    limits = SignInLimits()
    for _ in range(5):
        limits.attempt("anna", "home", NOW)
    with pytest.raises(SignInLater):
        limits.attempt("anna", "home", NOW)
    at = NOW + timedelta(seconds=1)
    limits.attempt("anna", "home", at)
    limits.succeeded("anna", "home")
    for _ in range(5):
        limits.attempt("anna", "home", at)
