"""The specification of HubStore, as tests any implementation can inherit."""

from abc import abstractmethod
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.cohort.result import ConditionExplained, Outcome
from tessera.domain.errors import Conflict, NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.hub_store import (
    Asked,
    CataloguedVersion,
    HubStore,
    InviteRecord,
    NodeRecord,
    NodeState,
    SearchRecord,
)
from tessera.testing.account_store import AccountStoreContract
from tessera.wire.keys import FormerKey, PublicKey
from tessera.wire.refusals import VersionTaken

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def _node(node_id: str, key: str) -> NodeRecord:
    return NodeRecord(
        node_id=NodeId(node_id),
        name=f"Hospital of {node_id}",
        country="SE",
        public_key=PublicKey(key * 43),
        software="tessera 0.1.0",
        state=NodeState.PENDING,
        joined_at=_NOW,
        key_since=_NOW,
    )


def _version(node_id: str, name: str, version: int, sha256: str = "a" * 64) -> CataloguedVersion:
    description = DatasetDescription(
        dataset_id=DatasetId(name),
        version=version,
        title={"en": name},
        description={"en": ""},
        keywords=(),
        publisher=Agent("Hospital"),
        contact=Agent("Office"),
        country="SE",
        language="sv",
        created=_NOW,
        manifest_sha256=sha256,
        n_subjects=30,
        n_studies=None,
        n_series=60,
        n_instances=600,
        n_bytes=1_000_000,
    )
    return CataloguedVersion(
        node_id=NodeId(node_id),
        description=description,
        published_at=_NOW + version * _SECOND,
    )


def _search(search_id: str, asked_at: datetime = _NOW) -> SearchRecord:
    return SearchRecord(
        search_id=search_id,
        query="modality = MR",
        query_json='{"version":1}',
        explained=(ConditionExplained(text="modality = MR", level="series", meaning="MR."),),
        asked_at=asked_at,
        deadline=asked_at + 10 * _SECOND,
    )


def _asked(search_id: str, node_id: str, name: str) -> Asked:
    return Asked(
        search_id=search_id,
        node_id=NodeId(node_id),
        dataset_id=DatasetId(name),
        version=1,
        title="Title",
        data_created=_NOW,
        node_online=True,
    )


class HubStoreContract(AccountStoreContract):
    @abstractmethod
    def make(self, folder: Path) -> HubStore:
        """Open the store in `folder`; a second one there sees what the first has done."""

    def test_a_node_is_found_by_id_and_by_key(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        node = _node("linkoping", "I")
        store.nodes.add(node)
        assert store.nodes.find("linkoping") == node
        assert store.nodes.find_by_key(node.public_key.fingerprint) == node
        assert store.nodes.find("other") is None
        assert store.nodes.find_by_key("other") is None

    def test_an_id_and_a_key_are_taken_once(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.nodes.add(_node("linkoping", "I"))
        with pytest.raises(Conflict):
            store.nodes.add(_node("linkoping", "E"))
        with pytest.raises(Conflict):
            store.nodes.add(_node("valencia", "I"))

    def test_nodes_are_listed_by_id_with_their_last_state(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.nodes.add(_node("valencia", "I"))
        store.nodes.add(_node("linkoping", "E"))
        store.nodes.decide("valencia", NodeState.APPROVED, _NOW)
        store.nodes.seen("valencia", _NOW + _SECOND, "tessera 0.2.0")
        first, second = store.nodes.all()
        assert (first.node_id, first.state) == ("linkoping", NodeState.PENDING)
        assert (second.node_id, second.state) == ("valencia", NodeState.APPROVED)
        assert (second.decided_at, second.last_seen) == (_NOW, _NOW + _SECOND)
        assert second.software == "tessera 0.2.0"

    def test_an_unknown_node_cannot_be_decided_or_seen(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        with pytest.raises(NotFound):
            store.nodes.decide("nobody", NodeState.APPROVED, _NOW)
        with pytest.raises(NotFound):
            store.nodes.seen("nobody", _NOW, "")

    def test_an_invite_is_used_once(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        invite = InviteRecord(code_sha256="ff", created_at=_NOW, expires_at=_NOW + _SECOND)
        store.invites.add(invite)
        assert store.invites.find("ff") == invite
        assert store.invites.use("ff", _NOW)
        assert not store.invites.use("ff", _NOW)
        assert not store.invites.use("00", _NOW)
        assert store.invites.find("ff") == replace(invite, used_at=_NOW)

    def test_a_published_version_is_kept_whole_and_once(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.nodes.add(_node("linkoping", "I"))
        version = _version("linkoping", "prostate", 1)
        assert store.datasets.add(version)
        assert not store.datasets.add(replace(version, published_at=_NOW + 9 * _SECOND))
        assert store.datasets.find("linkoping", "prostate", None) == version
        with pytest.raises(VersionTaken):
            store.datasets.add(_version("linkoping", "prostate", 1, "b" * 64))

    def test_newest_versions_come_last_published_first(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.nodes.add(_node("linkoping", "I"))
        for name, version in (("b", 1), ("a", 1), ("b", 10), ("b", 2)):
            store.datasets.add(_version("linkoping", name, version))
        newest = [
            (v.description.dataset_id, v.description.version) for v in store.datasets.newest()
        ]
        assert newest == [("b", 10), ("a", 1)]
        assert store.datasets.versions("linkoping", "b") == (1, 2, 10)
        assert store.datasets.versions_of_all()["linkoping", "b"] == (1, 2, 10)
        assert {v.description.version for v in store.datasets.all()} >= {1, 2, 10}
        assert store.datasets.all() is store.datasets.all()
        older = store.datasets.find("linkoping", "b", 2)
        assert older is not None
        assert older.description.version == 2
        assert store.datasets.find("linkoping", "b", 3) is None

    def test_an_open_search_is_given_to_its_node_once_and_again_later(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        rows = [_asked("s1", "linkoping", "a"), _asked("s1", "valencia", "b")]
        store.searches.add(_search("s1"), rows)

        def take(now: datetime) -> list[tuple[str, list[Asked]]]:
            taken = store.searches.take_open(
                "linkoping",
                asked_since=now - 600 * _SECOND,
                given_before=now - 30 * _SECOND,
                now=now,
                limit=2,
            )
            return [(search.search_id, list(asked)) for search, asked in taken]

        assert take(_NOW) == [("s1", rows[:1])]
        assert take(_NOW + 29 * _SECOND) == []
        assert take(_NOW + 31 * _SECOND) == [("s1", rows[:1])]
        assert take(_NOW + 601 * _SECOND) == []
        store.searches.answer(replace(rows[0], outcome=Outcome.TOO_FEW), _NOW)

        for name in ("s2", "s3", "s4"):
            store.searches.add(_search(name), [_asked(name, "linkoping", "a")])
        later = replace(_search("s5"), asked_at=_NOW + 60 * _SECOND)
        store.searches.add(later, [_asked("s5", "linkoping", "a")])
        given = [name for _ in range(2) for name, _ in take(_NOW + 61 * _SECOND)]
        assert sorted(given[:3]) == ["s2", "s3", "s4"]
        assert given[3] == "s5"
        assert take(_NOW + 62 * _SECOND) == []

    def test_of_searches_asked_together_each_node_gets_another_first(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        nodes = [f"node-{number}" for number in range(30)]
        for number, node_id in enumerate(nodes):
            key = PublicKey(urlsafe_b64encode(bytes([40 + number] * 32)).decode().rstrip("="))
            store.nodes.add(replace(_node(node_id, "I"), public_key=key))
        names = [f"s{number}" for number in range(5)]
        for name in names:
            store.searches.add(_search(name), [_asked(name, node_id, "a") for node_id in nodes])
        first = [
            store.searches.take_open(
                node_id,
                asked_since=_NOW - _SECOND,
                given_before=_NOW - _SECOND,
                now=_NOW,
                limit=1,
            )[0][0].search_id
            for node_id in nodes
        ]
        assert set(first) == set(names)

    def test_the_first_answer_is_kept(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        row = _asked("s1", "linkoping", "a")
        asked = replace(_search("s1"), statistic='{"kind": "table", "by": ["stage"]}')
        store.searches.add(asked, [row])
        first = replace(row, outcome=Outcome.COUNTED, n_subjects=30, n_studies=40, policy="P.")
        cells = (Facet("female", 20), Facet("other", None))
        first = replace(first, distributions={"sex": cells}, cuts={"stage": {"II": 20}})
        assert store.searches.answer(first, _NOW)
        second = replace(row, outcome=Outcome.NOT_SUPPORTED, not_supported=("her2",))
        assert not store.searches.answer(second, _NOW)
        assert not store.searches.answer(_asked("s1", "linkoping", "unasked"), _NOW)
        assert store.searches.asked("s1") == [first]
        assert store.searches.asked("s1", first.node_id) == [first]
        assert store.searches.asked("s1", "nobody") == []
        assert store.searches.find("s1") == asked

    def test_what_is_awaited_is_of_approved_nodes_that_were_in_touch(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for node_id, key in (("linkoping", "I"), ("valencia", "E")):
            store.nodes.add(replace(_node(node_id, key), state=NodeState.APPROVED))
        rows = [_asked("s1", "linkoping", name) for name in ("a", "b")]
        away = replace(_asked("s1", "linkoping", "c"), node_online=False)
        store.searches.add(_search("s1"), [*rows, away, _asked("s1", "valencia", "d")])
        assert store.searches.progress("s1") == (0, 3)
        store.nodes.decide("valencia", NodeState.REVOKED, _NOW)
        assert store.searches.progress("s1") == (0, 2)
        store.searches.answer(replace(rows[0], outcome=Outcome.TOO_FEW), _NOW)
        assert store.searches.progress("s1") == (1, 1)
        assert store.searches.progress("s2") == (0, 0)

    def test_a_nodes_answers_are_timed_and_what_waits_is_counted(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for n in range(4):
            rows = [_asked(f"s{n}", "linkoping", name) for name in ("a", "b")]
            at = _NOW + n * 60 * _SECOND
            store.searches.add(_search(f"s{n}", at), [*rows, _asked(f"s{n}", "valencia", "c")])
            for row in rows[: 2 if n < 2 else n - 2]:
                told = replace(row, outcome=Outcome.COUNTED, n_subjects=30, n_studies=40)
                assert store.searches.answer(told, at + (n + 1) * _SECOND)
        away = replace(_asked("s9", "linkoping", "a"), node_online=False)
        store.searches.add(_search("s9", _NOW), [away])
        store.searches.answer(replace(away, outcome=Outcome.NO_ANSWER), _NOW + 500 * _SECOND)
        times = store.searches.latencies("linkoping", limit=9)
        assert list(times) == [4 * _SECOND, 2 * _SECOND, _SECOND]
        assert list(store.searches.latencies("linkoping", limit=1)) == [4 * _SECOND]
        assert store.searches.latencies("nobody", limit=9) == []
        assert store.searches.n_open("linkoping", asked_since=_NOW) == 2
        assert store.searches.n_open("linkoping", asked_since=_NOW + 180 * _SECOND) == 1
        assert store.searches.n_open("valencia", asked_since=_NOW) == 4
        assert store.searches.n_open("nobody", asked_since=_NOW) == 0

    def test_a_nodes_key_is_renewed_and_replaced(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        first = _node("linkoping", "I")
        store.nodes.add(first)
        store.nodes.add(_node("valencia", "E"))
        second, third = PublicKey("M" * 43), PublicKey("Q" * 43)
        at, until = _NOW + _SECOND, _NOW + 600 * _SECOND
        store.nodes.renew_key("linkoping", second, at=at, until=until, renewal="r1")
        for key in (first.public_key, second):
            found = store.nodes.find_by_key(key.fingerprint)
            assert found is not None
            assert (found.node_id, found.public_key, found.key_since) == ("linkoping", second, at)
            assert found.former_keys == (FormerKey(first.public_key, until),)
        store.nodes.renew_key("linkoping", third, at=until, until=until, renewal="")
        store.nodes.revoke_keys("linkoping")
        found = store.nodes.find("linkoping")
        assert found is not None and found.public_key == third
        assert [one.key for one in found.former_keys] == [first.public_key, second]
        assert all(one.is_revoked for one in found.former_keys)
        assert list(store.nodes.renewals("linkoping")) == ["r1"]
        for taken in (first.public_key, third, PublicKey("E" * 43)):
            with pytest.raises(Conflict):
                store.nodes.renew_key("valencia", taken, at=at, until=until, renewal="")
        unchanged = store.nodes.find("valencia")
        assert unchanged is not None and unchanged.public_key == PublicKey("E" * 43)
        with pytest.raises(NotFound):
            store.nodes.renew_key("nobody", second, at=at, until=at, renewal="")
        with pytest.raises(NotFound):
            store.nodes.revoke_keys("nobody")

    def test_old_searches_are_forgotten_with_their_answers(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.searches.add(_search("old"), [_asked("old", "linkoping", "a")])
        store.searches.add(_search("new", _NOW + _SECOND), [_asked("new", "linkoping", "a")])
        store.searches.forget(_NOW + _SECOND)
        assert store.searches.find("old") is None
        assert store.searches.asked("old") == []
        assert store.searches.find("new") is not None

    def test_an_id_is_new_once_until_it_is_forgotten(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert store.seen_ids.remember("linkoping", "m1", _NOW)
        assert not store.seen_ids.remember("linkoping", "m1", _NOW)
        assert store.seen_ids.remember("valencia", "m1", _NOW)
        store.seen_ids.forget(_NOW)
        assert not store.seen_ids.remember("linkoping", "m1", _NOW)
        store.seen_ids.forget(_NOW + _SECOND)
        assert store.seen_ids.remember("linkoping", "m1", _NOW)

    def test_a_transaction_happens_whole_or_not_at_all(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        with pytest.raises(NotFound), store.transaction():
            with store.transaction():
                store.nodes.add(_node("linkoping", "I"))
            store.nodes.seen("nobody", _NOW, "")
        assert store.nodes.find("linkoping") is None

    def test_what_was_done_is_there_after_a_restart_and_for_another_process(
        self, tmp_path: Path
    ) -> None:
        store, other = self.make(tmp_path), self.make(tmp_path)
        store.nodes.add(_node("linkoping", "I"))
        assert other.nodes.find("linkoping") is not None
        other.nodes.decide("linkoping", NodeState.APPROVED, _NOW)
        found = store.nodes.find("linkoping")
        assert found is not None
        assert found.state is NodeState.APPROVED
        store.close()
        again = self.make(tmp_path)
        assert again.nodes.find("linkoping") == found

    def test_what_is_newest_is_true_after_every_change_and_after_none(self, tmp_path: Path) -> None:
        store, other = self.make(tmp_path), self.make(tmp_path)
        store.nodes.add(_node("linkoping", "a"))
        assert not store.datasets.newest()
        other.datasets.add(_version("linkoping", "b", 1))
        assert [v.description.version for v in store.datasets.newest()] == [1]
        assert store.datasets.versions_of_all() == {("linkoping", "b"): (1,)}
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.datasets.add(_version("linkoping", "undone", 1))
            assert len(store.datasets.newest()) == 2
            _ = 1 // 0
        assert len(store.datasets.newest()) == 1
        store.datasets.add(_version("linkoping", "b", 2))
        assert [v.description.version for v in store.datasets.newest()] == [2]
        assert store.datasets.versions_of_all() == {("linkoping", "b"): (1, 2)}
