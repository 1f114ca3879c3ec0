"""Records of a node's Beacon: for the holder of a permit, by EUCAIM's model, and for no one else.

Everything goes through `tessera node explorer` as its own process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.audit import entries
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.permits import permit_book
from tessera.client.beacon import Question, ask, filters_of, signed_use
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.access.permit import AccessMode, Action, Permit, Use
from tessera.domain.errors import InvalidInput, Refused, Unavailable
from tessera.ports.hub_link import AnsweredVersion
from tessera.wire.beacon import what_is_asked
from tessera.wire.permit import token_sha256, use_payload
from tests.conformance.test_beacon import valid
from tests.opt_out_trial import PATIENTS, subject_of
from tests.run_trial import HERE, IMAGES, RunTrial

REPO = Path(__file__).parents[2]
DATA = Path(os.environ.get("TESSERA_REFERENCE_DATA", REPO.parent / "shared" / "data"))
MODEL = DATA / "beacon" / "eucaim-schema"
RAW = "https://raw.githubusercontent.com/EGA-archive/EUCAIM-Schema/refs/heads/main/"


class Site:
    """A node whose Beacon is open at `address`, and a permit of Anna's."""

    def __init__(self, folder: Path, modes: frozenset[AccessMode]) -> None:
        self.trial = RunTrial(folder, modes=modes)
        self.token_file, self.address = folder / "token", ""
        home = self.trial.home
        published = AnsweredVersion(
            dataset_id=IMAGES,
            version=1,
            created=datetime.now(UTC),
            folder=f"research/datasets/{IMAGES}/v1",
        )
        LinkFolder(home / "link").add_answered(published)

    @contextmanager
    def open(self, *more: str) -> Iterator["Site"]:
        tessera = Path(sys.executable).with_name("tessera")
        words = ["node", "explorer", self.trial.home, "--token-file", self.token_file]
        words += ["--port", "0", *more]
        with subprocess.Popen([tessera, *words], stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                self.address = server.stdout.readline().strip() + "beacon"
                yield self
            finally:
                server.terminate()

    @property
    def token(self) -> str:
        return self.token_file.read_text("utf-8").strip()

    def use(self, question: Question, by: Ed25519Signer | None = None) -> str:
        sha256, signer = token_sha256(self.trial.token), by or self.trial.anna
        return signed_use(
            self.trial.permit, sha256, HERE, question, signer, lambda: datetime.now(UTC)
        )

    def ask(self, question: Question, use: str | None = None) -> dict[str, Any]:
        signed = self.use(question) if use is None else use
        return ask(self.address, self.token, question, signed)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("records")
    with Site(folder, frozenset({AccessMode.DOWNLOAD})).open() as site:
        yield site


def question(*filters: str, entity: str = "individuals", **more: int) -> Question:
    given = filters_of(filters)
    return Question(entity=entity, filters=given, granularity="record", **more)


def records(answer: dict[str, Any]) -> list[dict[str, Any]]:
    valid(answer, "beaconResultsetsResponse")
    assert answer["meta"]["returnedGranularity"] == "record"
    (found,) = answer["response"]["resultSets"]
    assert found["id"] == IMAGES
    results: list[dict[str, Any]] = found["results"]
    return results


def test_a_permit_gives_single_subjects_in_the_model_of_eucaim(site: Site) -> None:
    answer = site.ask(question("cancer:prostate", limit=1000))
    assert answer["responseSummary"] == {"exists": True, "numTotalResults": 15}
    found = records(answer)
    men = {subject_of(site.trial.node, name) for name in PATIENTS if int(name[-1]) % 2}
    assert {one["patientId"] for one in found} == men
    for one in found:
        (disease,) = one["disease"]
        assert disease["diagnosis"]["id"] == "EUCAIM:CLIN1000075"
        for study in one["imageStudy"]:
            assert study["disease"] == disease
            assert study["imageModality"]["id"] in ("EUCAIM:IMG1000038", "EUCAIM:IMG1000042")
    (schema,) = answer["meta"]["returnedSchemas"]
    assert schema["schema"] == f"{RAW}PatientsMetadata.json"


def test_pages_of_studies_make_up_the_whole(site: Site) -> None:
    whole = site.ask(question("modality:CT", entity="imagingStudies", limit=1000))
    n_total = whole["responseSummary"]["numTotalResults"]
    assert n_total == len(records(whole)) > 4
    pages = []
    for skip in range(0, n_total, 4):
        asked = question("modality:CT", entity="imagingStudies", skip=skip, limit=4)
        pages += records(site.ask(asked))
    assert pages == records(whole)
    assert len({one["imageStudyId"] for one in pages}) == n_total
    assert {one["imageModality"]["label"] for one in pages} == {"Computed tomography"}


def test_what_nobody_matches_is_an_empty_answer(site: Site) -> None:
    body = json.loads(question("modality:US").body())
    for include, n_sets in (("HIT", 0), ("MISS", 1), ("ALL", 1), ("NONE", 0)):
        body["query"]["includeResultsetResponses"] = include
        sent = json.dumps(body).encode()
        answer = _post(site, sent, _signed(site, what=what_is_asked("individuals", sent))).json()
        valid(answer, "beaconResultsetsResponse")
        assert len(answer["response"]["resultSets"]) == n_sets
        assert answer["responseSummary"] == {"exists": False, "numTotalResults": 0}


def test_a_field_that_the_data_lacks_is_named(site: Site) -> None:
    body = json.loads(question("her2:positive").body())
    body["query"]["includeResultsetResponses"] = "ALL"
    sent = json.dumps(body).encode()
    answer = _post(site, sent, _signed(site, what=what_is_asked("individuals", sent))).json()
    (found,) = answer["response"]["resultSets"]
    assert found["info"]["notSupported"] == ["her2"]
    assert found["results"] == []


def test_by_get_as_by_post(site: Site) -> None:
    query = "filters=modality:CT&requestedGranularity=record&limit=3"
    use = _signed(site, what=what_is_asked("individuals", query.encode()))
    headers = {"Authorization": f"Bearer {site.token}", "Tessera-Use": use}
    url = f"{site.address}/individuals"
    reply = httpx.get(f"{url}?{query}", headers=headers, trust_env=False)
    assert len(records(reply.json())) == 3
    more = httpx.get(f"{url}?{query}0", headers=headers, trust_env=False)
    assert more.status_code == 403


def _opened(uri: str) -> Resource[Any]:
    path = MODEL / uri.removeprefix(RAW).removeprefix(f"{MODEL.as_uri()}/")
    body = json.loads(path.read_text("utf-8"))
    if path.name == "Definitions.json":
        body = {"$defs": body}  # as its users name it: published, it has no `$defs`
    return Resource.from_contents(body, default_specification=DRAFT202012)


@pytest.mark.skipif(not MODEL.is_dir(), reason="the schemas of EUCAIM's model are not here")
@pytest.mark.parametrize(
    ("entity", "schema"),
    [("individuals", "PatientsMetadata"), ("imagingStudies", "ImageStudiesMetadata")],
)
def test_records_are_valid_by_the_models_schemas(site: Site, entity: str, schema: str) -> None:
    registry: Registry[Any] = Registry(retrieve=_opened)
    address = (MODEL / f"{schema}.json").as_uri()
    judge = jsonschema.Draft202012Validator({"$ref": address}, registry=registry)
    found = records(site.ask(question(entity=entity, limit=1000)))
    assert len(found) >= len(PATIENTS)
    for one in found:
        judge.validate(one)


def test_who_has_opted_out_is_in_no_answer(tmp_path: Path) -> None:
    with Site(tmp_path, frozenset({AccessMode.DOWNLOAD})).open() as site:
        who = subject_of(site.trial.node, PATIENTS[3])
        before = site.ask(question(limit=1000))
        assert who in json.dumps(before)
        gone = Exclusion(subject=who, since=datetime.now(UTC), by="desk")
        exclusions_of(site.trial.home).add([gone])
        after = site.ask(question(limit=1000))
        assert who not in json.dumps(after)
        n_each = [one["responseSummary"]["numTotalResults"] for one in (before, after)]
        assert n_each == [30, 29]

        permit_book(site.trial.home).revoke_here(site.trial.permit.permit_id, "Ended.", "desk")
        with pytest.raises(Refused, match="revoked"):
            site.ask(question())


def test_a_site_may_tell_no_more_than_yes_or_no_without_a_permit(tmp_path: Path) -> None:
    with Site(tmp_path, frozenset({AccessMode.DOWNLOAD})).open("--no-beacon-counts") as site:
        for entity in ("individuals", "imagingStudies", "datasets"):
            asked = replace(question(entity=entity), granularity="count")
            answer = site.ask(asked, use="")
            assert answer["meta"]["returnedGranularity"] == "boolean"
            words = json.dumps({**answer, "responseSummary": {}})
            assert not any(word in words for word in ("numTotalResults", "Count"))
        header = {"Authorization": f"Bearer {site.token}"}
        told = httpx.get(f"{site.address}/configuration", headers=header, trust_env=False).json()
        assert told["response"]["securityAttributes"]["defaultGranularity"] == "boolean"
        assert len(records(site.ask(question()))) == 10


def test_a_version_that_was_changed_gives_nothing(tmp_path: Path) -> None:
    with Site(tmp_path, frozenset({AccessMode.DOWNLOAD})).open() as site:
        path = site.trial.home / "research" / "datasets" / IMAGES / "v1" / "patient.parquet"
        path.chmod(0o600)
        path.write_bytes(path.read_bytes() + b"x")
        with pytest.raises(Refused, match="Conflict"):
            site.ask(question())


def test_a_permit_to_run_gives_no_records(tmp_path: Path) -> None:
    with (
        Site(tmp_path, frozenset({AccessMode.RUN})).open() as site,
        pytest.raises(Refused, match="mode"),
    ):
        site.ask(question())


def _signed(site: Site, *, by: Ed25519Signer | None = None, **changes: Any) -> str:
    now = datetime.now(UTC)
    use = Use(
        use_id=str(uuid4()),
        permit_id=site.trial.permit.permit_id,
        permit_sha256=token_sha256(site.trial.token),
        node_id=HERE,
        action=Action.FETCH,
        datasets=((IMAGES, 1),),
        tool="",
        at=now,
        until=now + timedelta(minutes=4),
        what=what_is_asked("individuals", question().body()),
    )
    return (by or site.trial.anna).sign(use_payload(replace(use, **changes)))


def _post(site: Site, sent: bytes, use: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or site.token}", "Tessera-Use": use}
    url = f"{site.address}/individuals"
    return httpx.post(url, content=sent, headers=headers, trust_env=False)


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ATTACKS: dict[str, tuple[dict[str, Any], str]] = {
    "for another question": (
        {"what": what_is_asked("individuals", question("sex:female").body())},
        "altered",
    ),
    "for studies": ({"what": what_is_asked("imagingStudies", question().body())}, "altered"),
    "of a download": ({"what": "table patient 0"}, "altered"),
    "of nothing": ({"what": ""}, "altered"),
    "of another text": ({"permit_sha256": "0" * 64}, "altered"),
    "of no permit": ({"permit_id": str(uuid4())}, "unknown"),
    "at another node": ({"node_id": "valencia"}, "other-node"),
    "to run": ({"action": Action.RUN}, "mode"),
    "of another dataset": ({"datasets": (("other", 1),)}, "dataset"),
    "of another version": ({"datasets": ((IMAGES, 2),)}, "dataset"),
    "of no dataset": ({"datasets": ()}, "dataset"),
    "of long ago": ({"at": LONG_AGO, "until": LONG_AGO + timedelta(days=1)}, "stale"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_use_that_is_not_for_this_gives_nothing(site: Site, name: str) -> None:
    changes, reason = ATTACKS[name]
    _refused(site, _signed(site, **changes), reason)


def test_a_use_that_anna_has_not_signed_gives_nothing(site: Site, tmp_path: Path) -> None:
    mallory = Ed25519Signer.create(tmp_path / "mallory.key")
    _refused(site, _signed(site, by=mallory), "other-person")
    head, body, signature = _signed(site).split(".")
    _refused(site, f"{head}.{body}.{signature[:-6]}AAAAAA", "other-person")
    _refused(site, f"{head}.{body}.", "other-person")
    _refused(site, "x", "other-person")
    _refused(site, site.trial.token, "altered")


def _refused(site: Site, use: str, reason: str) -> None:
    reply = _post(site, question().body(), use)
    assert reply.status_code == 403, reply.text
    valid(reply.json(), "beaconErrorResponse")
    assert reply.json()["error"]["errorMessage"] == f"permit-refused: {reason}"
    assert "TES-" not in reply.text


def test_a_use_without_the_sites_token_gives_nothing(site: Site) -> None:
    reply = _post(site, question().body(), _signed(site), token="guess")
    assert reply.status_code == 401
    assert "TES-" not in reply.text


def test_without_a_use_records_are_counts_and_with_one_counts_stay_rounded(site: Site) -> None:
    counted = site.ask(question("modality:CT"), use="")
    assert counted["meta"]["returnedGranularity"] in ("count", "boolean")
    assert "TES-" not in json.dumps(counted)
    asked = replace(question("modality:CT"), granularity="count")
    assert site.ask(asked) == site.ask(asked, use="")


def test_every_use_is_in_the_audit_log(site: Site) -> None:
    site.ask(question("sex:male", limit=2))
    *_, allowed, told = (one.event for one in entries(site.trial.home))
    assert told.event == "records-told"
    assert told.facts["records"] == ("images v1: 2",)
    assert told.facts["query"] == "sex = male"
    assert allowed.event == "use-allowed"
    assert allowed.facts["use"] == told.facts["use"]
    _refused(site, _signed(site, what=""), "altered")


@pytest.mark.parametrize("page", [{"skip": -1}, {"limit": "x"}, {"skip": 1.5}])
def test_a_wrong_page_is_named(site: Site, page: dict[str, Any]) -> None:
    sent = json.dumps({"query": {"pagination": page}}).encode()
    reply = _post(site, sent, "")
    assert reply.status_code == 400
    assert "whole numbers" in reply.json()["error"]["errorMessage"]


def test_the_command_prints_an_answer(site: Site) -> None:
    tessera = Path(sys.executable).with_name("tessera")
    words = ["beacon", site.address, "age_at_diagnosis >= 1"]
    done = subprocess.run(
        [tessera, *words, "--token-file", site.token_file],
        capture_output=True,
        text=True,
        check=True,
    )
    valid(json.loads(done.stdout), "beaconCountResponse")
    wrong = subprocess.run(
        [tessera, "beacon", site.address, "colour:red", "--token-file", site.token_file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert "colour:red" in wrong.stderr


def test_errors_on_the_way_are_plain(site: Site) -> None:
    with pytest.raises(Unavailable, match="ConnectError"):
        ask("http://127.0.0.1:9/beacon", "", question())
    with pytest.raises(InvalidInput, match="colour"):
        site.ask(question("colour"), use="")
    home = site.address.removesuffix("/beacon")
    with pytest.raises((Unavailable, Refused)):
        ask(home, site.token, question())


def test_a_permit_that_names_no_dataset_of_the_node_is_not_signed_for(site: Site) -> None:
    permit: Permit = site.trial.permit
    with pytest.raises(Exception, match="names no dataset"):
        signed_use(permit, "", "valencia", question(), site.trial.anna, lambda: datetime.now(UTC))
