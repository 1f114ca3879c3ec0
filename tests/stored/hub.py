"""What is in the stored databases of a hub, and how they are filled and looked at.

`hub-vN.sqlite` was filled by this module run against the program of that time; for the newest
version `python -m tests.stored tests/stored` does it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tessera.adapters.sqlite_hub.migrations import MIGRATIONS
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.domain.cohort.result import Outcome
from tessera.ports.hub_store import InviteRecord, NodeState
from tessera.testing import hub_store

NEVER: Final = frozenset({2, 3, 4})
"""Versions at which no program ever was: it went from 1 to 5 at once."""
_NOW: Final = hub_store._NOW
_LATER: Final = _NOW + 600 * hub_store._SECOND
_INVITE: Final = InviteRecord(code_sha256="ff", created_at=_NOW, expires_at=_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Tables of one feature: since which version, how they are filled and looked at."""

    since: int
    fill: Callable[[SqliteHubStore], None]
    check: Callable[[SqliteHubStore], None]


def fill(path: Path, version: int = len(MIGRATIONS)) -> None:
    store = SqliteHubStore(path)
    for part in PARTS:
        if part.since <= version:
            part.fill(store)
    store.close()


def check(path: Path, version: int) -> None:
    """Look at all that the program of `version` wrote, and go on writing."""
    store = SqliteHubStore(path)
    for part in PARTS:
        if part.since <= version:
            part.check(store)
    for part in PARTS:
        if part.since > version:
            part.fill(store)
            part.check(store)
    store.close()


def _fill_first(store: SqliteHubStore) -> None:
    store.nodes.add(hub_store._node("linkoping", "I"))
    store.nodes.add(hub_store._node("valencia", "E"))
    store.nodes.decide("linkoping", NodeState.APPROVED, _NOW)
    store.nodes.seen("linkoping", _LATER, "tessera 0.1.0")
    store.invites.add(_INVITE)
    for version in (1, 2):
        store.datasets.add(hub_store._version("linkoping", "prostate-mr", version))
    asked = [hub_store._asked("s1", "linkoping", name) for name in ("prostate-mr", "breast-mg")]
    store.searches.add(hub_store._search("s1"), asked)
    told = replace(asked[0], outcome=Outcome.COUNTED, n_subjects=30, n_studies=40, policy="P.")
    assert store.searches.answer(told, _LATER)
    store.seen_ids.remember("linkoping", "m1", _LATER)


def _check_first(store: SqliteHubStore) -> None:
    node = hub_store._node("linkoping", "I")
    found = store.nodes.find_by_key(node.public_key.fingerprint)
    assert found == replace(
        node, state=NodeState.APPROVED, decided_at=_NOW, last_seen=_LATER, key_since=_NOW
    )
    assert store.nodes.find("valencia") == hub_store._node("valencia", "E")
    assert store.invites.find("ff") == _INVITE
    assert store.invites.use("ff", _NOW)
    first, second = (hub_store._version("linkoping", "prostate-mr", n) for n in (1, 2))
    assert store.datasets.find("linkoping", "prostate-mr", 1) == first
    assert list(store.datasets.newest()) == [second]
    answered, waiting = store.searches.asked("s1")
    assert (answered.outcome, answered.n_subjects) == (Outcome.COUNTED, 30)
    assert waiting == hub_store._asked("s1", "linkoping", "breast-mg")
    assert store.searches.find("s1") == hub_store._search("s1")
    assert not store.seen_ids.remember("linkoping", "m1", _LATER)
    assert store.datasets.add(hub_store._version("valencia", "breast-mg", 1))


def _fill_people(store: SqliteHubStore) -> None:
    from tessera.testing import account_store

    store.accounts.people.add(account_store._account("p1", "anna"))
    store.accounts.sessions.add(account_store._session("s", "p1"))
    store.accounts.tokens.add(account_store._token("t", "p1"))
    store.accounts.links.link("https://a.example.org", "s", "p1")


def _check_people(store: SqliteHubStore) -> None:
    from tessera.testing import account_store

    assert store.accounts.people.find_by_name("anna") == account_store._account("p1", "anna")
    assert list(store.accounts.sessions.of("p1")) == [account_store._session("s", "p1")]
    assert store.accounts.tokens.find("t") == account_store._token("t", "p1")
    assert store.accounts.links.person_of("https://a.example.org", "s") == "p1"


def _fill_applications(store: SqliteHubStore) -> None:
    from tessera.testing import applications

    store.applications.append(applications._events(), expected=0)


def _check_applications(store: SqliteHubStore) -> None:
    from tessera.testing import applications

    assert list(store.applications.events("a1")) == applications._events()


def _fill_permits(store: SqliteHubStore) -> None:
    from tessera.ports.access_records import TaskRecord
    from tessera.testing import access_records as access

    store.tools.add(access._tool(), access._ANNA, _NOW)
    store.permits.add(access._permit(), "a.b.c", [access._at("valencia"), access._at("linkoping")])
    store.runs.add(access._run())
    store.runs.add_part(access._part(0, b"{", b"{}"))
    node = hub_store._node("linkoping", "I").node_id
    task = TaskRecord(task_id="t1", node_id=node, kind="use", body="{}", subject="s")
    store.tasks.put(task, _NOW)


def _check_permits(store: SqliteHubStore) -> None:
    from tessera.testing import access_records as access

    held = store.permits.find(access._permit().permit_id)
    assert held is not None and (held.permit, held.token) == (access._permit(), "a.b.c")
    assert list(held.nodes) == [access._at("valencia"), access._at("linkoping")]
    assert store.tools.find(access._tool().digest) == access._tool()
    run = store.runs.find(access._run().use_id)
    assert run is not None and replace(run, files=()) == access._run()
    assert [(one.name, one.n_bytes, one.is_whole) for one in run.files] == [
        ("counts.json", 1, False)
    ]
    assert list(store.runs.parts(access._run().use_id, "counts.json")) == [b"{"]
    assert store.tasks.done("linkoping", "t1", _NOW) is not None


def _fill_learning(store: SqliteHubStore) -> None:
    from tessera.testing import learning_records

    contract = learning_records.LearningStoreContract
    contract.added(contract, store, learning_records._learning())  # type: ignore[arg-type]


def _check_learning(store: SqliteHubStore) -> None:
    from tessera.testing import learning_records

    learning = learning_records._learning()
    assert store.learning.find(learning.learn_id) == learning


def _fill_harvest(store: SqliteHubStore) -> None:
    from tessera.testing import harvest_store

    store.harvest.add(harvest_store._source("a"))
    store.harvest.put([harvest_store._entry("a", "1")])


def _check_harvest(store: SqliteHubStore) -> None:
    from tessera.testing import harvest_store

    assert list(store.harvest.sources()) == [harvest_store._source("a")]
    assert list(store.harvest.entries("a")) == [harvest_store._entry("a", "1")]


def _fill_keys(store: SqliteHubStore) -> None:
    from tessera.wire.keys import PublicKey

    key = PublicKey("M" * 43)
    store.nodes.add(hub_store._node("umea", "U"))
    store.nodes.renew_key("umea", key, at=_NOW, until=_LATER, renewal="a.b.c")


def _check_keys(store: SqliteHubStore) -> None:
    from tessera.wire.keys import FormerKey, PublicKey

    former = hub_store._node("umea", "U").public_key
    found = store.nodes.find_by_key(former.fingerprint)
    assert found is not None and found.public_key == PublicKey("M" * 43)
    assert found.former_keys == (FormerKey(former, _LATER),)
    assert list(store.nodes.renewals("umea")) == ["a.b.c"]


PARTS: Final = (
    Part(since=1, fill=_fill_first, check=_check_first),
    Part(since=5, fill=_fill_people, check=_check_people),
    Part(since=5, fill=_fill_applications, check=_check_applications),
    Part(since=5, fill=_fill_permits, check=_check_permits),
    Part(since=5, fill=_fill_learning, check=_check_learning),
    Part(since=7, fill=_fill_harvest, check=_check_harvest),
    Part(since=8, fill=_fill_keys, check=_check_keys),
)
