"""The specifications of WebIndex and WebKeys, as tests to inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tessera.domain.dicomweb.query import web_query
from tessera.domain.errors import Conflict, NotFound
from tessera.domain.imaging.dicom_json import Described
from tessera.domain.imaging.instance import InstanceRow
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.web_index import Sight, WebIndex
from tessera.ports.web_keys import WebKey, WebKeys
from tessera.testing.node_stores import row, sealed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = "http://node/dicom-web"


def described(one: InstanceRow) -> Described:
    """Return the DICOM JSON of what a row says."""
    parts = {
        0x00080018: f'{{"vr":"UI","Value":["{one.instance_uid}"]}}',
        0x00080060: f'{{"vr":"CS","Value":["{one.modality}"]}}',
        0x00100020: f'{{"vr":"LO","Value":["{one.subject}"]}}',
        0x0020000D: f'{{"vr":"UI","Value":["{one.study_uid}"]}}',
        0x0020000E: f'{{"vr":"UI","Value":["{one.series_uid}"]}}',
        0x7FE00010: '{"vr":"OW","BulkDataURI":"@/bulk/7FE00010"}',
    }
    members = [f'"{tag:08X}":{text}' for tag, text in parts.items()]
    return Described(parts, members, one.instance_uid)


def key(name: str = "viewer", *, sees_all: bool = False) -> WebKey:
    return WebKey(
        name=name, sees_all=sees_all, may_store=False, made=NOW, ends=NOW + timedelta(days=1)
    )


class WebIndexContract:
    @abstractmethod
    def make(self) -> tuple[InstanceIndex, WebIndex, WebKeys]:
        """Return the parts of one new home."""
        ...

    def filled(self, *rows: InstanceRow) -> tuple[InstanceIndex, WebIndex, WebKeys]:
        index, web, keys = self.make()
        index.put(sealed(*rows))
        web.put([described(one) for one in rows])
        return index, web, keys

    def test_what_is_stored_waits_until_it_is_described(self) -> None:
        index, web, _ = self.make()
        index.put(sealed(row(1), row(2)))
        assert {one.instance_uid for one in web.waiting(9)} == {"2.25.1.1.1", "2.25.1.1.2"}
        assert len(web.waiting(1)) == 1
        assert not web.search(web_query("studies", []), Sight(), BASE).answers
        web.put([described(row(1))], failed=[row(2).instance_uid])
        assert not web.waiting(9)
        assert len(web.objects(Sight(), "2.25.1")) == 1

    def test_what_leaves_the_index_leaves_every_answer(self) -> None:
        index, web, _ = self.filled(row(1), row(1, study=2, subject="TES-B"))
        index.remove([row(1).instance_uid])
        assert not web.objects(Sight(), "2.25.1")
        assert not list(web.metadata(Sight(), BASE, "2.25.1"))
        for level in ("studies", "series", "instances"):
            assert len(web.search(web_query(level, []), Sight(), BASE).answers) == 1

    def test_what_left_before_it_was_described_stays_away(self) -> None:
        index, web, _ = self.make()
        index.put(sealed(row(1)))
        index.remove([row(1).instance_uid])
        web.put([described(row(1))])
        assert not web.objects(Sight(), "2.25.1")
        assert not web.waiting(9)

    def test_what_is_stored_again_is_described_again_and_counted_once(self) -> None:
        index, web, _ = self.filled(row(1))
        index.put(sealed(replace(row(1), n_bytes=7)))
        assert len(web.waiting(9)) == 1
        web.put([described(row(1))])
        (answer,) = web.search(web_query("studies", []), Sight(), BASE).answers
        assert b'"00201208":{"vr":"IS","Value":[1]}' in answer

    def test_who_is_hidden_is_in_no_answer(self) -> None:
        _, web, _ = self.filled(row(1), row(1, study=2, subject="TES-B"))
        sight = Sight(hidden=frozenset(("TES-B",)))
        assert len(web.search(web_query("instances", []), sight, BASE).answers) == 1
        assert not web.objects(sight, "2.25.2")
        assert web.objects(Sight(), "2.25.2")

    def test_a_key_sees_its_studies_alone(self) -> None:
        _, web, keys = self.filled(row(1), row(1, study=2, subject="TES-B"))
        keys.add(key(), b"d", ["2.25.2"])
        sight = Sight("viewer")
        assert len(web.search(web_query("series", []), sight, BASE).answers) == 1
        assert not web.objects(sight, "2.25.1")
        assert len(web.objects(sight, "2.25.2")) == 1
        keys.remove("viewer")
        assert not web.objects(sight, "2.25.2")

    def test_pages_follow_one_another(self) -> None:
        _, web, _ = self.filled(*(row(number) for number in range(1, 8)))
        seen: list[bytes] = []
        for offset in range(0, 9, 3):
            query = web_query("instances", [("limit", "3"), ("offset", str(offset))])
            found = web.search(query, Sight(), BASE)
            assert found.has_more == (offset < 6)
            seen += found.answers
        assert len(set(seen)) == len(seen) == 7

    def test_metadata_has_the_callers_address_and_the_order_of_objects(self) -> None:
        _, web, _ = self.filled(row(2), row(1))
        texts = list(web.metadata(Sight(), BASE, "2.25.1"))
        uids = [one.instance_uid for one in web.objects(Sight(), "2.25.1")]
        assert uids == ["2.25.1.1.1", "2.25.1.1.2"]
        for uid, text in zip(uids, texts, strict=True):
            address = f"{BASE}/studies/2.25.1/series/2.25.1.1/instances/{uid}/bulk/7FE00010"
            assert address.encode() in text

    def test_keys_are_found_by_their_digest_until_they_are_removed(self) -> None:
        _, _, keys = self.make()
        keys.add(key(), b"digest", ["2.25.1"])
        found = keys.find(b"digest")
        assert found == replace(key(), n_studies=1)
        assert keys.find(b"other") is None
        assert list(keys.all()) == [found]
        with pytest.raises(Conflict):
            keys.add(key(), b"x", [])
        with pytest.raises(NotFound):
            keys.remove("nobody")
        keys.remove("viewer")
        assert keys.find(b"digest") is None
