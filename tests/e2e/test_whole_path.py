"""The whole path once: three hospitals' raw DICOM to one search, over real processes and sockets.

Then the byte search: no identity that was planted in the hospitals is anywhere in the
research zones, the hub, the logs, or in the bytes that went over the line.
"""

import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import rdflib

import tessera
from tessera.bootstrap.demo import SITES, Demo, Servers
from tessera.domain.cohort.result import Outcome, SearchResult
from tessera.testing.identity_forms import byte_forms
from tessera.testing.leaks import find_identities

N_PATIENTS = 16
"""At each hospital: enough to be counted, and few enough to be quick."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Wire:
    """A relay between nodes and hub which keeps every byte in both directions."""

    def __init__(self, target: int, record: Path) -> None:
        self.port = free_port()
        self._target, self._record = target, record
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                with self._lock, self._record.open("ab") as file:
                    file.write(data)
                other.sendall(data)
        except OSError:
            pass
        finally:
            one.close()
            other.close()

    def close(self) -> None:
        self._listener.close()


class Path3:
    """The running whole: hub, three nodes, and what was said on the way."""

    def __init__(self, demo: Demo, servers: Servers, said: list[str], wire: Path) -> None:
        self.demo, self.servers, self.said, self.wire = demo, servers, said, wire


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path3]:
    home = tmp_path_factory.mktemp("whole")
    said: list[str] = []
    demo = Demo(home, N_PATIENTS, free_port(), said.append)
    record = home / "wire.bin"
    with Servers(demo) as servers:
        demo.prepare()
        servers.start_hub()
        wire = Wire(demo.port, record)
        replace(demo, port=wire.port).join()
        servers.start_nodes()
        yield Path3(demo, servers, said, record)
        wire.close()
    shutil.rmtree(home, ignore_errors=True)


def search(whole: Path3, query: str) -> SearchResult:
    with tessera.Client(whole.demo.url) as client:
        return client.search(query, wait_s=20)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own JSON-LD parser
def test_three_hospitals_become_one_catalogue_in_three_forms(whole: Path3) -> None:
    with httpx.Client(base_url=whole.demo.url) as web:
        listed = web.get("/api/v1/datasets").json()
        entries = listed["datasets"] if isinstance(listed, dict) else listed
        assert len(entries) == 3
        for suffix, form in (("ttl", "turtle"), ("jsonld", "json-ld")):
            graph = rdflib.Graph().parse(data=web.get(f"/catalogue.{suffix}").text, format=form)
            dataset = rdflib.URIRef("http://www.w3.org/ns/dcat#Dataset")
            assert len(set(graph.subjects(rdflib.RDF.type, dataset))) == 3
        for page in ("/", "/catalogue", "/search", "/about"):
            for language in ("sv", "en"):
                answer = web.get(page, params={"lang": language})
                assert answer.status_code == 200
                assert f'lang="{language}"' in answer.text


@pytest.mark.slow
def test_every_file_of_every_hospital_is_accounted_for(whole: Path3) -> None:
    for site in SITES:
        status = json.loads(
            whole.demo.run("node", "status", str(whole.demo.node(site)), "--json", quiet=True)
        )
        pacs = whole.demo.pacs(site)
        truth = json.loads((pacs / "truth.json").read_text(encoding="utf-8"))
        errors = [error["kind"] for error in truth["errors"] if error["where"] == "images"]
        intake = status["intake"]
        assert intake["refused truncated"] == errors.count("truncated-file")
        assert intake["ignored empty"] == errors.count("zero-length-file")
        assert intake["ignored not-dicom"] == errors.count("text-file")
        assert intake["duplicate"] == errors.count("duplicate-instance")
        assert intake["stored"] == status["research"]["n_instances"]
        assert intake["held text-risk"] > 0


@pytest.mark.slow
def test_counts_are_rounded_down_from_the_truth_and_never_above_it(whole: Path3) -> None:
    truth = {}
    for site in SITES:
        pacs = whole.demo.pacs(site)
        patients = json.loads((pacs / "truth.json").read_text(encoding="utf-8"))["patients"]
        truth[site.name] = sum(p["concept"] == "prostate" for p in patients)
    result = search(whole, "cancer = prostate")
    assert result.complete
    for one in result.results:
        if one.outcome is Outcome.COUNTED:
            assert one.n_subjects is not None
            assert one.n_subjects % 10 == 0
            assert 10 <= one.n_subjects <= truth[one.node_name]
        else:
            assert one.outcome is Outcome.TOO_FEW
        assert "10" in one.policy
    everyone = search(whole, "sex in (female, male)")
    assert {one.outcome for one in everyone.results} == {Outcome.COUNTED}
    assert everyone.n_subjects >= 30


@pytest.mark.slow
def test_what_a_hospital_has_no_column_for_is_not_supported_there(whole: Path3) -> None:
    outcomes = {one.node_name: one for one in search(whole, "survival_days > 3000").results}
    assert all(o.outcome in (Outcome.TOO_FEW, Outcome.COUNTED) for o in outcomes.values())
    levels = {c.level for c in search(whole, "modality = MR and sex = male").explained}
    assert levels == {"series", "patient"}


def planted(demo: Demo) -> list[str]:
    """Return every identity of the three hospitals that is long enough to be looked for.

    Short runs of digits stand in long random numbers by chance. The place is public (it is
    the node's name), and so is the word hospital.
    """
    public = {word for site in SITES for word in site.name.split()} | {"Hospital"}
    found: set[str] = set()
    for site in SITES:
        truth = json.loads((demo.pacs(site) / "truth.json").read_text(encoding="utf-8"))
        for patient in truth["patients"]:
            for identity in patient["identities"]:
                value = str(identity["value"])
                if identity["kind"] == "institution":
                    found.update(w for w in re.split(r"[\s,]+", value) if w not in public)
                else:
                    found.add(value)
    digits = re.compile(r"[\d\s-]{1,7}")
    return sorted(v for v in found if not digits.fullmatch(v) and list(byte_forms(v)))


@pytest.mark.slow
def test_no_planted_identity_is_anywhere_outside_the_identified_zone(whole: Path3) -> None:
    search(whole, "cancer = breast and modality = MR")
    demo = whole.demo
    identities = planted(demo)
    assert len(identities) > 600
    roots = [demo.hub, demo.home / "logs", whole.wire]
    for site in SITES:
        roots += [demo.node(site) / part for part in ("research", "link", "audit")]
    said = demo.home / "said.txt"
    said.write_text("\n".join(whole.said), encoding="utf-8")
    assert whole.wire.stat().st_size > 10_000
    # The media type application/jose is no José.
    whole.wire.write_bytes(whole.wire.read_bytes().replace(b"application/jose", b"application/"))
    leaks = find_identities([*roots, said], identities)
    assert not leaks, sorted({(leak.identity, leak.form, leak.path.name) for leak in leaks})[:40]


@pytest.mark.slow
def test_a_node_that_stops_is_no_answer_and_says_since_when(whole: Path3) -> None:
    before = search(whole, "sex = female").results
    assert all(one.outcome is not Outcome.NO_ANSWER for one in before)
    node = whole.servers._running[-1]
    node.terminate()
    node.wait(10)
    after = {one.node_name: one for one in search(whole, "sex = female").results}
    assert after["Heraklion"].outcome is Outcome.NO_ANSWER
    assert after["Heraklion"].last_seen is not None
    assert after["Linköping"].outcome is not Outcome.NO_ANSWER
