"""The pages of nodes: what everybody sees, and what only those see who run hub or node."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tessera.adapters.jose.key_folder import KeyFolder
from tessera.domain.access.people import Person
from tessera.domain.cohort.result import Outcome
from tessera.ports.hub_store import NodeState
from tests.accounts_trial import add_person, bearer
from tests.hub_trial import TrialHub, exact_description, pinned, released, served, trial_hub
from tests.link_key_trial import KeyedNode
from tests.pages.html_check import faults

INSIDE = ("tessera 7.7.7", "How the link stands", "Tasks waiting", "Fingerprint")


@dataclass(frozen=True)
class Site:
    trial: TrialHub
    url: str
    fingerprints: tuple[str, str]
    """Of Linköping's key before and now."""

    def person(self, user: str, *roles: str) -> Person:
        return add_person(self.trial.hub.accounts, user, *roles)

    def get(self, path: str, by: Person | None = None, language: str = "en") -> httpx.Response:
        headers = {"Accept": "text/html", "Accept-Language": language}
        if by is not None:
            headers |= bearer(self.trial.hub.accounts, by)
        return httpx.get(self.url + path, headers=headers, trust_env=False)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        yield site


@contextmanager
def new_site(tmp_path: Path) -> Iterator[Site]:
    """Serve a hub with one approved node, which has renewed its key, and one that waits."""
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        home = tmp_path / "node"
        home.mkdir()
        pinned(home / "link", trial.signer.public_key)
        node = KeyedNode(home, url, trial.clock)
        first = KeyFolder.create(node.folder.key_file).public_key
        trial.joined(node.ring)
        store, nodes = trial.store, trial.store.nodes
        for name, version in (("prostate-mr", 1), ("prostate-mr", 2), ("breast-mg", 1)):
            described = replace(released(name, version=version).value, interoperability_tier=2)
            record = nodes.find("linkoping")
            assert record is not None
            trial.hub.catalogued.publish(record, described)
        nodes.seen("linkoping", trial.clock.at, "tessera 7.7.7")
        waiting = trial.joined(KeyFolder.create(tmp_path / "b.key"), "Umeå", approved=False)
        assert waiting.state is NodeState.PENDING
        for seconds in (1, 2, 9):
            search = trial.hub.searching.start("sex = male")
            asked = store.searches.asked(search.search_id)[0]
            told = replace(asked, outcome=Outcome.COUNTED, n_subjects=30, n_studies=30)
            store.searches.answer(told, trial.clock.at + timedelta(seconds=seconds))
        trial.hub.dispatch.put("linkoping", "permit", {})
        node.renew()
        yield Site(trial, url, (first.fingerprint, node.ring.public_key.fingerprint))


def test_a_visitor_sees_what_is_published_and_nothing_of_the_link(site: Site) -> None:
    listed, page = site.get("/nodes").text, site.get("/nodes/linkoping").text
    assert "Linköping" in listed and "Umeå" not in listed
    for text in ("Linköping", "Sweden", "Dataset prostate-mr", "Dataset breast-mg", "Online"):
        assert text in page
    policy = exact_description().policy or released().value.policy
    assert policy.split(";")[0][:30] in page
    for text in (
        listed,
        page,
        site.get("/api/v1/nodes").text,
        site.get("/api/v1/nodes/linkoping").text,
    ):
        for hidden in (*INSIDE, *site.fingerprints, "latency"):
            assert hidden not in text
    assert site.get("/nodes/umea").status_code == 404
    assert site.get("/nodes/nobody").status_code == 404


def test_the_same_is_told_as_json(site: Site) -> None:
    body = site.get("/api/v1/nodes/linkoping").json()
    assert (body["name"], body["country"], body["online"]) == ("Linköping", "SE", True)
    assert [(one["dataset_id"], one["version"]) for one in body["datasets"]] == [
        ("breast-mg", 1),
        ("prostate-mr", 2),
    ]
    assert {one["interoperability_tier"] for one in body["datasets"]} == {2}
    assert len(body["policies"]) == 1
    assert body["data_date"] == "2026-03-05T14:07:00Z"
    assert len(body["former_keys"]) == 1
    assert site.get("/api/v1/nodes/umea").status_code == 404


@pytest.mark.parametrize("language", ["en", "sv"])
def test_an_administrator_sees_how_every_node_stands(site: Site, language: str) -> None:
    admin = site.person("admin", "administrator")
    listed = site.get("/nodes", admin, language)
    page = site.get("/nodes/linkoping", admin, language)
    waits = site.get("/nodes/umea", admin, language)
    for response in (listed, page, waits):
        assert response.status_code == 200
        assert faults(response.text) == []
    assert "Umeå" in listed.text and site.fingerprints[1] in listed.text
    for text in ("tessera 7.7.7", *site.fingerprints):
        assert text in page.text
    assert ("waiting for approval" if language == "en" else "väntar på godkännande") in waits.text

    one = site.get("/api/v1/standings/linkoping", admin).json()
    assert (one["latency_ms"], one["n_answers"], one["n_tasks"]) == (2000, 3, 1)
    assert (one["software"], one["state"], one["online"]) == ("tessera 7.7.7", "approved", True)
    assert [key["fingerprint"] for key in one["keys"]] == list(reversed(site.fingerprints))
    assert [key["until"] is None for key in one["keys"]] == [True, False]
    every = site.get("/api/v1/standings", admin).json()["standings"]
    assert [(each["node_id"], each["state"]) for each in every] == [
        ("linkoping", "approved"),
        ("umea", "pending"),
    ]


def test_who_runs_a_node_sees_that_one_and_others_see_none(site: Site) -> None:
    own = site.person("own", "operator@linkoping")
    other = site.person("other", "operator@umea", "researcher", "committee")
    assert "tessera 7.7.7" in site.get("/nodes/linkoping", own).text
    assert "Umeå" not in site.get("/nodes", own).text
    assert site.get("/nodes/umea", own).status_code == 404
    assert site.get("/api/v1/standings/umea", own).status_code == 404
    assert [one["node_id"] for one in site.get("/api/v1/standings", own).json()["standings"]] == [
        "linkoping"
    ]
    page = site.get("/nodes/linkoping", other)
    assert page.status_code == 200
    for hidden in (*INSIDE, *site.fingerprints):
        assert hidden not in page.text
    assert site.get("/api/v1/standings/linkoping", other).status_code == 404
    assert site.get("/api/v1/standings").status_code in (303, 401)
