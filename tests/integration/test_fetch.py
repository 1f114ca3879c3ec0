"""A permitted download: whole, checked, resumed, for one reader only, and without who said no."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tessera.adapters.access_runs.views import FolderViews
from tessera.adapters.hpke.sealing import HpkeReader, HpkeSealing
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.permits import permit_book
from tessera.client import fetch as client_fetch
from tessera.client.fetch import Fetch, Fetched, Terms
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.access.permit import AccessMode, PermitRefused, Reason
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.node.fetch import FetchDesk
from tessera.wire import fetch as wire_fetch
from tessera.wire.permit import token_sha256
from tessera.wire.refusals import BadSeal
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import HERE, RunTrial

N_FILES = 2 * len(PATIENTS)
Ask = Callable[[str], bytes]


class Download:
    """A node with 60 instances, and somebody who may have them."""

    def __init__(self, folder: Path, modes: frozenset[AccessMode]) -> None:
        self.trial = RunTrial(folder, modes=modes)
        self.out = folder / "out"
        self.n_asked = 0
        self.passed: list[bytes] = []
        home = self.trial.home
        self.node_key = Ed25519Signer.load(LinkFolder(home / "link").key_file)
        self.desk = FetchDesk(
            book=permit_book(home),
            views=FolderViews(home / "research"),
            folder=home / "runs" / "fetch",
            exclusions=exclusions_of(home),
            signer=self.node_key,
            sealing=HpkeSealing(),
        )

    def ask(self, token: str) -> bytes:
        """Do what hub and node do: hand the question over, and the sealed answer back."""
        self.n_asked += 1
        payload = Ed25519Verifier().unverified(token)
        use_id = wire_fetch.fields.text(wire_fetch.fields.decode(payload), "use_id")
        relayed = self.desk.answer(use_id, token)
        if relayed.problem:
            raise PermitRefused(Reason(relayed.problem))
        self.passed.append(relayed.sealed)
        return relayed.sealed

    def fetch(
        self,
        ask: Ask | None = None,
        *,
        by: Ed25519Signer | None = None,
        node_key: Ed25519Signer | None = None,
    ) -> Fetched:
        terms = Terms(
            permit_id=self.trial.permit.permit_id,
            permit_sha256=token_sha256(self.trial.token),
            signer=by or self.trial.anna,
            verifier=Ed25519Verifier(),
            reader=HpkeReader(),
            now=lambda: datetime.now(UTC),
        )
        dataset = self.trial.permit.datasets[0]
        key = (node_key or self.node_key).public_key
        return Fetch(dataset, key, terms, ask or self.ask, self.out).run()

    def opt_out(self, patient: str) -> None:
        who = subject_of(self.trial.node, patient)
        since = datetime.now(UTC)
        exclusions_of(self.trial.home).add([Exclusion(subject=who, since=since, by="desk")])

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.out)): p.read_bytes() for p in self.out.rglob("*.dcm")}


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Download]:
    monkeypatch.setattr(client_fetch.time, "sleep", lambda seconds: None)
    yield Download(tmp_path, frozenset({AccessMode.DOWNLOAD}))


def test_everything_comes_and_is_what_the_permit_names(download: Download) -> None:
    fetched = download.fetch()
    assert fetched.failed == []
    assert fetched.n_left_out == 0
    assert len(download.files()) == N_FILES
    store = download.trial.node.research
    for name, content in download.files().items():
        assert content == (store / name).read_bytes()
    patients = pq.read_table(download.out / "tables" / "patient.parquet")
    assert patients.num_rows == len(PATIENTS)


def test_who_carries_it_can_read_nothing_of_it(download: Download) -> None:
    download.fetch()
    one = next(iter(download.files().values()))[:30]
    for sealed in download.passed:
        assert one not in sealed
        assert b"TES-" not in sealed
        with pytest.raises(BadSeal):
            HpkeReader().open(sealed, "")


def test_it_goes_on_where_it_stopped(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tessera.node.fetch.PART_BYTES", 25_000)

    def dies(token: str) -> bytes:
        if download.n_asked > 12:
            raise PermitRefused(Reason.REVOKED)
        return download.ask(token)

    with pytest.raises(PermitRefused):
        download.fetch(dies)
    had = len(download.files())
    assert 0 < had < N_FILES
    download.n_asked = 0
    fetched = download.fetch()
    assert len(download.files()) == N_FILES
    assert fetched.n_there >= had
    assert fetched.failed == []
    download.n_asked = 0
    download.fetch()
    assert download.n_asked == 0


def test_large_files_come_in_pieces(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tessera.node.fetch.PART_BYTES", 3_000)
    assert download.fetch().failed == []
    assert len(download.files()) == N_FILES


def test_a_line_that_fails_now_and_then_is_tried_again(download: Download) -> None:
    def shaky(token: str) -> bytes:
        download.n_asked += 1
        if download.n_asked % 2:
            raise Unavailable("the node did not answer")
        return download.ask(token)

    assert download.fetch(shaky).failed == []
    assert len(download.files()) == N_FILES


def test_who_has_opted_out_is_not_in_it(download: Download) -> None:
    download.opt_out(PATIENTS[0])
    fetched = download.fetch()
    assert fetched.n_left_out == 2
    assert len(download.files()) == N_FILES - 2
    assert "patient" in fetched.filtered
    who = subject_of(download.trial.node, PATIENTS[0])
    subjects = pq.read_table(download.out / "tables" / "patient.parquet")["subject"].to_pylist()
    assert len(subjects) == len(PATIENTS) - 1
    assert who not in subjects


def test_an_opt_out_counts_from_the_next_question_on(download: Download) -> None:
    download.fetch()
    download.opt_out(PATIENTS[0])
    for path in download.out.rglob("*.dcm"):
        path.unlink()
    assert download.fetch().n_left_out == 2


@pytest.mark.parametrize("place", [0, 40, -1])
def test_an_answer_that_was_changed_on_the_way_is_not_taken(download: Download, place: int) -> None:
    def changed(token: str) -> bytes:
        sealed = bytearray(download.ask(token))
        sealed[place] ^= 1
        return bytes(sealed)

    with pytest.raises(BadSeal):
        download.fetch(changed)
    assert download.files() == {}


def test_an_answer_of_another_node_is_not_taken(download: Download, tmp_path: Path) -> None:
    other = Ed25519Signer.create(tmp_path / "other.key")
    with pytest.raises(TesseraError, match="signature"):
        download.fetch(node_key=other)


def test_an_answer_to_another_question_is_not_taken(download: Download) -> None:
    first: list[bytes] = []

    def repeated(token: str) -> bytes:
        first.append(download.ask(token))
        return first[0]

    with pytest.raises(TesseraError):
        download.fetch(repeated)
    assert download.files() == {}


def test_a_file_that_has_changed_at_the_node_is_told(download: Download) -> None:
    path = next((download.trial.node.research / "instances").rglob("*.dcm"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    fetched = download.fetch()
    assert len(fetched.failed) == 1
    assert path.name in fetched.failed[0]
    assert len(download.files()) == N_FILES - 1


def test_another_manifest_in_the_folder_is_not_overwritten(download: Download) -> None:
    download.fetch()
    permit = download.trial.permit
    other = replace(permit.datasets[0], manifest_sha256="0" * 64)
    download.trial.permit = replace(permit, datasets=(other,))
    with pytest.raises(InvalidInput, match="another folder"):
        download.fetch()


def test_another_person_gets_nothing(download: Download, tmp_path: Path) -> None:
    mallory = Ed25519Signer.create(tmp_path / "mallory.key")
    with pytest.raises(PermitRefused) as refused:
        download.fetch(by=mallory)
    assert refused.value.reason is Reason.OTHER_PERSON
    assert download.files() == {}


def test_a_revoked_permit_stops_it_in_the_middle(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera.node.fetch.PART_BYTES", 25_000)

    def revoked(token: str) -> bytes:
        if download.n_asked == 10:
            book = permit_book(download.trial.home)
            book.revoke_here(download.trial.permit.permit_id, "a mistake", "Data office")
        return download.ask(token)

    with pytest.raises(PermitRefused) as refused:
        download.fetch(revoked)
    assert refused.value.reason is Reason.REVOKED
    assert len(download.files()) < N_FILES


def test_without_the_mode_nothing_is_given(tmp_path: Path) -> None:
    download = Download(tmp_path, frozenset({AccessMode.RUN}))
    with pytest.raises(PermitRefused) as refused:
        download.fetch()
    assert refused.value.reason is Reason.MODE
    assert HERE in str(download.trial.permit.nodes())
