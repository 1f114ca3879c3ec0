"""The specification of AccountStore, as tests any implementation can inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tessera.domain.access.people import Grant
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.accounts import (
    AccountRecord,
    InvitationRecord,
    KeyRecord,
    SessionRecord,
    TokenRecord,
)
from tessera.ports.hub_store import HubStore
from tessera.wire.keys import PublicKey

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def _account(person_id: str, user: str, at: datetime = _NOW) -> AccountRecord:
    return AccountRecord(
        person_id=person_id,
        user_name=user,
        name=f"Name of {person_id}",
        organisation="University",
        email="",
        grants=frozenset({Grant.parse("researcher"), Grant.parse("holder@linkoping")}),
        password_hash="$hash",  # noqa: S106 - none of a real password
        created_at=at,
    )


def _session(name: str, person_id: str, at: datetime = _NOW) -> SessionRecord:
    return SessionRecord(
        session_sha256=name, person_id=person_id, browser="B", created_at=at, last_used=at
    )


def _token(name: str, person_id: str, at: datetime = _NOW) -> TokenRecord:
    return TokenRecord(
        token_id=f"id-{name}",
        token_sha256=name,
        person_id=person_id,
        name="laptop",
        created_at=at,
        expires_at=at + 90 * _SECOND,
    )


class AccountStoreContract:
    @abstractmethod
    def make(self, folder: Path) -> HubStore:
        """Open the store in `folder`; a second one there sees what the first has done."""

    def people(self, folder: Path) -> HubStore:
        store = self.make(folder)
        store.accounts.people.add(_account("p1", "anna"))
        store.accounts.people.add(_account("p2", "bo", _NOW + _SECOND))
        return store

    def test_a_person_is_found_by_id_and_name_and_changed(self, tmp_path: Path) -> None:
        people = self.people(tmp_path).accounts.people
        assert people.find("p1") == people.find_by_name("anna") == _account("p1", "anna")
        assert people.find("p9") is None and people.find_by_name("nobody") is None
        assert [account.person_id for account in people.all()] == ["p1", "p2"]
        other = replace(_account("p1", "anna"), grants=frozenset(), disabled=True, email="a@b.se")
        people.change(other)
        assert self.make(tmp_path).accounts.people.find("p1") == other
        with pytest.raises(NotFound):
            people.change(_account("p9", "nobody"))

    def test_a_user_name_is_taken_once_and_several_have_none(self, tmp_path: Path) -> None:
        people = self.people(tmp_path).accounts.people
        with pytest.raises(Conflict):
            people.add(_account("p3", "anna"))
        people.add(_account("p3", ""))
        people.add(_account("p4", ""))
        assert people.find_by_name("") is None

    def test_an_invitation_is_replaced_by_a_later_one_and_used_once(self, tmp_path: Path) -> None:
        links = self.people(tmp_path).accounts.links
        for code in ("old", "new"):
            links.invite(InvitationRecord(code_sha256=code, person_id="p1", expires_at=_NOW))
        assert links.find_invitation("old") is None
        found = links.find_invitation("new")
        assert found is not None and found.person_id == "p1" and found.expires_at == _NOW
        assert not links.use_invitation("old")
        assert links.use_invitation("new")
        assert not links.use_invitation("new")
        for person in ("p1", "p2"):
            links.invite(InvitationRecord(code_sha256=person, person_id=person, expires_at=_NOW))
        links.void_invitation("p1")
        assert links.find_invitation("p1") is None
        assert links.find_invitation("p2") is not None

    def test_an_identity_belongs_to_one_person_of_one_issuer(self, tmp_path: Path) -> None:
        links = self.people(tmp_path).accounts.links
        links.link("https://a.example.org", "s", "p1")
        links.link("https://b.example.org", "s", "p2")
        with pytest.raises(Conflict):
            links.link("https://a.example.org", "s", "p2")
        assert links.person_of("https://a.example.org", "s") == "p1"
        assert links.person_of("https://b.example.org", "s") == "p2"
        assert links.person_of("https://a.example.org", "t") is None

    def test_sessions_end_one_by_one_all_at_once_and_by_age(self, tmp_path: Path) -> None:
        sessions = self.people(tmp_path).accounts.sessions
        for number, name in enumerate(("a", "b", "c")):
            sessions.add(_session(name, "p1", _NOW + number * _SECOND))
        sessions.add(_session("d", "p2"))
        sessions.seen("a", _NOW + 9 * _SECOND)
        found = sessions.find("a")
        assert found is not None
        assert (found.created_at, found.last_used) == (_NOW, _NOW + 9 * _SECOND)
        assert [s.session_sha256 for s in sessions.of("p1")] == ["a", "c", "b"]
        assert sessions.end("b") and not sessions.end("b")
        sessions.end_all("p1", but="a")
        assert [s.session_sha256 for s in sessions.of("p1")] == ["a"]
        sessions.forget(last_used_before=_NOW + _SECOND, created_before=_NOW)
        assert sessions.find("d") is None and sessions.find("a") is not None
        sessions.forget(last_used_before=_NOW, created_before=_NOW + _SECOND)
        assert sessions.of("p1") == []

    def test_tokens_are_found_by_hash_and_ended_by_their_owner(self, tmp_path: Path) -> None:
        tokens = self.people(tmp_path).accounts.tokens
        tokens.add(_token("a", "p1"))
        tokens.add(_token("b", "p1", _NOW + _SECOND))
        tokens.seen("id-a", _NOW)
        assert tokens.find("a") == replace(_token("a", "p1"), last_used=_NOW)
        assert [t.token_sha256 for t in tokens.of("p1")] == ["b", "a"]
        assert not tokens.end("p2", "id-a")
        assert tokens.end("p1", "id-a") and tokens.find("a") is None
        tokens.forget(_NOW + 91 * _SECOND)
        assert tokens.find("b") is not None
        tokens.forget(_NOW + 92 * _SECOND)
        assert tokens.find("b") is None
        tokens.add(_token("c", "p1"))
        tokens.end_all("p1")
        assert tokens.of("p1") == []

    def test_a_key_belongs_to_one_person_also_after_it_is_revoked(self, tmp_path: Path) -> None:
        keys = self.people(tmp_path).accounts.keys
        key = KeyRecord(
            public_key=PublicKey("B" * 43), person_id="p1", label="laptop", created_at=_NOW
        )
        keys.add(key)
        fingerprint = key.public_key.fingerprint
        assert keys.find(fingerprint) == key and list(keys.of("p1")) == [key]
        assert not keys.revoke("p2", fingerprint, _NOW)
        assert keys.revoke("p1", fingerprint, _NOW)
        assert not keys.revoke("p1", fingerprint, _NOW)
        assert list(keys.of("p1")) == [replace(key, revoked_at=_NOW)]
        with pytest.raises(Conflict):
            keys.add(replace(key, person_id="p2"))
