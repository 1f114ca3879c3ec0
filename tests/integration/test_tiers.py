"""Tiers of a real version in a real home, its signed report, and a hub that believes no other."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap import tiers
from tessera.bootstrap.datasets import create_dataset
from tessera.bootstrap.legal import add_document, documents
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.domain.tiers.judged import Conformance
from tessera.domain.tiers.legal import KINDS
from tessera.domain.tiers.statements import Verdict
from tessera.domain.zones import seal_deidentified
from tessera.wire.description import description_to_json
from tessera.wire.envelope import MessageType
from tests.hub_trial import TrialHub, envelope, released, served, trial_hub
from tests.integration.test_datasets import REQUEST, instance, put

register_all(app)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A home with a version whose instances are files of the right size and hash."""
    home = tmp_path_factory.mktemp("tiers") / "home"
    made = init_node(home, NodeSettings(name="Linköping", country="SE", language="sv"))
    put(made, range(12))
    rows = []
    for number in range(12):
        for place in (1, 2):
            row = instance(number, place)
            content = f"bytes of {row.instance_uid}".encode()
            path = made.research / "instances" / row.path.removeprefix("instances/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = sha256(content).hexdigest()
            rows.append(replace(row, n_bytes=len(content), sha256=digest))
    made.index.put([seal_deidentified(row) for row in rows])
    create_dataset(home, REQUEST)
    return made


@pytest.fixture(scope="module")
def report(node: Node) -> Conformance:
    return tiers.conformance(node.home, "cancer-images")


def test_every_statement_is_looked_at_with_what_was_found_and_what_to_do(
    report: Conformance,
) -> None:
    verdicts = report.verdicts
    assert verdicts["T1-01"] is verdicts["T1-08"] is verdicts["T3-03"] is Verdict.MET
    assert verdicts["T1-10"] is verdicts["T2-01"] is Verdict.NOT_MET
    by_id = {one.id: one for one in report.judged}
    assert len(by_id) == 20
    assert "dpia" in by_id["T1-10"].found and "legal add" in by_id["T1-10"].mend
    assert by_id["T3-01"].facts["n"] == 24, "files that are not DICOM are found out"
    assert {element.name: element.grade.value for element in report.label}["uniqueness"] == "high"


def test_documents_make_the_statement_hold_and_a_changed_file_is_found(
    node: Node, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("made up")
    with pytest.raises(InvalidInput, match="sharing-agreement"):
        add_document(node.home, "letter", letter, date(2026, 1, 1))
    for kind in KINDS:
        add_document(node.home, kind, letter, date(2026, 1, 1), "Nobody")
    kept = node.home / "legal" / documents(node.home)[0].name
    assert kept.stat().st_mode & 0o077 == 0
    assert tiers.conformance(node.home, "cancer-images").verdicts["T1-10"] is Verdict.MET
    kept.write_text("changed")
    assert tiers.conformance(node.home, "cancer-images").verdicts["T1-10"] is Verdict.NOT_MET


def test_command_writes_reports_and_says_by_its_exit_code_that_a_tier_is_not_reached(
    node: Node, tmp_path: Path
) -> None:
    version = node.research / "datasets" / "cancer-images" / "v1"
    html, body = tmp_path / "t.html", tmp_path / "t.json"
    words = ["check", str(version), "--tier", "1", "--html", str(html), "--json", str(body)]
    done = CliRunner().invoke(app, [*words, "--language", "sv"])
    assert done.exit_code == 4, done.output
    assert json.loads(body.read_text("utf-8"))["tier"] == 0
    assert "inte uppfyllt" in html.read_text("utf-8")
    other = CliRunner().invoke(app, ["check", str(tmp_path), "--tier", "1"])
    assert other.exit_code == 1


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[TrialHub]:
    with trial_hub(tmp_path / "hub") as opened:
        yield opened


def publish(trial: TrialHub, signer: Ed25519Signer, description: DatasetDescription) -> None:
    node = trial.store.nodes.find_by_key(signer.public_key.fingerprint)
    assert node is not None
    body = {"description": description_to_json(description)}
    message = envelope(trial, MessageType.PUBLISH, body, sender=node.node_id)
    asyncio.run(trial.hub.reception.receive(MessageType.PUBLISH, signer.sign(message.encode())))


def test_hub_shows_the_tier_that_the_node_signed_and_refuses_any_other(
    trial: TrialHub, report: Conformance, tmp_path: Path
) -> None:
    signer, stranger = (Ed25519Signer.create(tmp_path / name) for name in ("a.key", "b.key"))
    node = trial.joined(signer)
    exact = released("cancer-images", sha256=report.manifest_sha256).value
    honest = replace(
        exact, interoperability_tier=report.tier, conformance=signer.sign(report.to_sign())
    )
    for forged in (
        replace(honest, conformance=stranger.sign(report.to_sign())),
        replace(honest, interoperability_tier=3),
        replace(honest, manifest_sha256="cd" * 32),
        replace(honest, conformance=signer.sign(b'{"tier": 3}')),
    ):
        with pytest.raises(TesseraError):
            publish(trial, signer, forged)
    assert list(trial.hub.catalogue()) == []
    publish(trial, signer, replace(honest, conformance="", interoperability_tier=1))
    publish(trial, signer, honest)
    entry = trial.hub.entry(node.node_id, "cancer-images")
    assert entry.conformance is not None
    assert entry.conformance.statements == report.verdicts
    with served(trial.hub) as url:
        page = httpx.get(f"{url}/datasets/{node.node_id}/cancer-images?lang=sv").text
        assert "Uppfyllda krav" in page and "T1-10" in page
        token = httpx.get(f"{url}/api/v1/datasets/{node.node_id}/cancer-images.jws").text
    assert tiers.verify(token, signer.public_key.x).tier == report.tier
