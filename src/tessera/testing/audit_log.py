"""The specification of AuditLog, as tests any implementation can inherit."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tessera.domain.audit.entry import Event
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.tree import Frontier, is_consistent, leaf_hash
from tessera.ports.audit_log import AuditLog, Verdict
from tessera.ports.signing import Signer, Verifier
from tessera.wire.heads import ShownHead

AT = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)
NODE, HUB = "linkoping", "hub"


def asked(number: int) -> Event:
    return Event("search-asked", "public", {"search": str(number), "query": "cancer = prostate"})


class AuditLogContract:
    @abstractmethod
    def make(self, folder: Path) -> tuple[AuditLog, Signer, Verifier]:
        """Return the log in `folder`, new or opened again, the key of its party, a verifier.

        A log in a folder inside that of another one is signed with the key of that one.
        """

    def test_entries_come_back_in_their_order(self, tmp_path: Path) -> None:
        log, _, _ = self.make(tmp_path / "a")
        written = [log.append(asked(i), AT + timedelta(seconds=i)) for i in range(5)]
        assert [entry.index for entry in written] == [0, 1, 2, 3, 4]
        again, _, _ = self.make(tmp_path / "a")
        assert list(again.entries()) == written
        assert list(again.entries(3)) == written[3:]

    def test_several_are_written_as_one_after_another(self, tmp_path: Path) -> None:
        log, _, _ = self.make(tmp_path / "one")
        for number in range(6):
            log.append(asked(number), AT)
        other, _, _ = self.make(tmp_path / "other")
        other.append_all([asked(0)], AT)
        other.append_all([], AT)
        other.append_all([asked(number) for number in range(1, 5)], AT)
        again, _, _ = self.make(tmp_path / "other")
        again.append(asked(5), AT)
        assert list(again.entries()) == list(log.entries())

    def test_an_empty_log_has_no_head(self, tmp_path: Path) -> None:
        log, _, _ = self.make(tmp_path / "a")
        assert log.show(AT, party=HUB, kept_there=0) == ShownHead()
        assert list(log.entries()) == []

    def test_a_head_is_the_signed_root_of_the_entries(self, tmp_path: Path) -> None:
        log, signer, verifier = self.make(tmp_path / "a")
        tree = Frontier()
        for number in range(9):
            tree.add(leaf_hash(log.append(asked(number), AT).encode()))
            token = log.show(AT, party=HUB, kept_there=0).head
            head = TreeHead.decode(verifier.verify(token, signer.public_key))
            assert head == TreeHead(
                log_id=signer.public_key.fingerprint, size=tree.size, root=tree.root(), at=AT
            )

    def test_a_log_that_has_not_grown_shows_the_same_head(self, tmp_path: Path) -> None:
        log, _, _ = self.make(tmp_path / "a")
        log.append(asked(0), AT)
        first = log.show(AT, party=HUB, kept_there=0)
        assert log.show(AT + timedelta(hours=1), party=HUB, kept_there=0) == first

    def test_each_head_goes_on_from_the_one_that_the_other_side_keeps(self, tmp_path: Path) -> None:
        ours, signer, verifier = self.make(tmp_path / "a")
        theirs, _, _ = self.make(tmp_path / "b")
        kept, n_kept = None, 0
        for number in range(12):
            for _ in range(number % 3 + 1):
                ours.append(asked(number), AT)
            shown = ours.show(AT, party=HUB, kept_there=n_kept)
            head = TreeHead.decode(verifier.verify(shown.head, signer.public_key))
            assert shown.since == n_kept
            if kept is not None:
                assert is_consistent(kept.size, head.size, kept.root, head.root, shown.proof)
            assert theirs.keep(NODE, signer.public_key, shown) is Verdict.KEPT
            assert theirs.keep(NODE, signer.public_key, shown) is Verdict.KNOWN
            n_kept = theirs.show(AT, party=NODE, kept_there=0).kept
            assert n_kept == head.size
            kept = head

    def test_a_larger_head_without_its_proof_waits_for_it(self, tmp_path: Path) -> None:
        ours, signer, _ = self.make(tmp_path / "a")
        theirs, _, _ = self.make(tmp_path / "b")
        ours.append(asked(0), AT)
        theirs.keep(NODE, signer.public_key, ours.show(AT, party=HUB, kept_there=0))
        ours.append(asked(1), AT)
        bare = ours.show(AT, party=HUB, kept_there=0)
        assert theirs.keep(NODE, signer.public_key, bare) is Verdict.UNPROVEN
        proven = ours.show(AT, party=HUB, kept_there=1)
        assert theirs.keep(NODE, signer.public_key, proven) is Verdict.KEPT

    @pytest.mark.parametrize("n_entries", [1, 2, 3])
    def test_another_history_is_seen_and_kept_as_evidence(
        self, tmp_path: Path, n_entries: int
    ) -> None:
        ours, signer, _ = self.make(tmp_path / "a")
        theirs, _, _ = self.make(tmp_path / "b")
        for number in range(2):
            ours.append(asked(number), AT)
        theirs.keep(NODE, signer.public_key, ours.show(AT, party=HUB, kept_there=0))
        other, same_key, _ = self.make(tmp_path / "a" / "rewritten")
        for number in range(n_entries):
            other.append(asked(100 + number), AT)
        forged = other.show(AT, party=HUB, kept_there=2)
        key = same_key.public_key
        assert key == signer.public_key
        assert theirs.keep(NODE, key, forged) is Verdict.FORKED
        assert theirs.keep(NODE, key, forged) is Verdict.KNOWN
        assert theirs.show(AT, party=NODE, kept_there=0).kept == 2

    def test_a_head_of_another_key_is_not_kept(self, tmp_path: Path) -> None:
        ours, _, _ = self.make(tmp_path / "a")
        theirs, their_key, _ = self.make(tmp_path / "b")
        ours.append(asked(0), AT)
        shown = ours.show(AT, party=HUB, kept_there=0)
        assert theirs.keep(NODE, their_key.public_key, shown) is Verdict.UNSIGNED
        assert theirs.show(AT, party=NODE, kept_there=0).kept == 0

    def test_what_else_the_key_has_signed_is_no_head(self, tmp_path: Path) -> None:
        _, signer, _ = self.make(tmp_path / "a")
        theirs, _, _ = self.make(tmp_path / "b")
        for payload in (b"{}", b"[]", b"x", b'{"kind":"tessera-audit-head/1"}'):
            shown = ShownHead(head=signer.sign(payload))
            assert theirs.keep(NODE, signer.public_key, shown) is Verdict.UNSIGNED
