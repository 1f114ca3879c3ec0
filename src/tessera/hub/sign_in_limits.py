"""Guessing is slowed: by account and address, by address, and by account. In memory."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from typing import Final

from tessera.wire.refusals import TooManyRequests

_LONGEST: Final = timedelta(minutes=15)
"""Nobody is ever locked out for longer, whoever it is that guesses."""
_FORGOTTEN: Final = timedelta(hours=1)
_MAX_KEPT: Final = 20_000


class SignInLater(TooManyRequests):
    """Too many wrong passwords; `wait_s` says how long to wait, in seconds."""

    code = "sign-in-later"
    public = "Too many attempts to sign in; wait up to 15 minutes and try again."

    def __init__(self, wait_s: int = 0) -> None:
        super().__init__(f"too many attempts to sign in; wait {wait_s} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Tries:
    n: int
    last: datetime


class SignInLimits:
    """Free attempts, then waits that double from 1 second to 15 minutes; an hour's rest ends it.

    Where an account is guessed at from many addresses, its owner still gets in from an
    address that has signed in before.
    """

    def __init__(self, *, per_pair: int = 5, per_address: int = 20, per_account: int = 50) -> None:
        self._free = {"pair": per_pair, "address": per_address, "account": per_account}
        self._tries: OrderedDict[tuple[str, str, str], _Tries] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()

    def attempt(self, account: str, address: str, now: datetime) -> None:
        """Count an attempt, before it is looked at. Raises SignInLater."""
        with self._lock:
            kinds = self._kinds(account, address)
            wait = max(self._wait(kind, now) for kind in kinds)
            if wait > timedelta():
                raise SignInLater(ceil(wait.total_seconds()))
            for kind in kinds:
                n = self._n(kind, now) + 1
                self._tries[kind] = _Tries(n, now)
                self._tries.move_to_end(kind)
            while len(self._tries) > _MAX_KEPT:
                self._tries.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the attempts of this account at this address, and know the address."""
        with self._lock:
            for kind in self._kinds(account, address):
                if kind[0] == "pair":
                    self._tries.pop(kind, None)
                elif tries := self._tries.get(kind):
                    self._tries[kind] = _Tries(max(0, tries.n - 1), tries.last)
            self._known[(account, address)] = None
            self._known.move_to_end((account, address))
            while len(self._known) > _MAX_KEPT:
                self._known.popitem(last=False)

    def _kinds(self, account: str, address: str) -> list[tuple[str, str, str]]:
        kinds = [("pair", account, address), ("address", "", address)]
        if (account, address) not in self._known:
            kinds.append(("account", account, ""))
        return kinds

    def _n(self, kind: tuple[str, str, str], now: datetime) -> int:
        tries = self._tries.get(kind)
        return tries.n if tries and now - tries.last < _FORGOTTEN else 0

    def _wait(self, kind: tuple[str, str, str], now: datetime) -> timedelta:
        over = self._n(kind, now) - self._free[kind[0]]
        if over < 0:
            return timedelta()
        delay = min(_LONGEST, timedelta(seconds=2 ** min(over, 12)))
        return self._tries[kind].last + delay - now
