"""Saved cohorts at a hub on a real socket: save, ask again, compare, share, delete."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from typer import Typer
from typer.testing import CliRunner

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.cli.cohorts import register
from tessera.client.credentials import HubFolder, KeptLogin
from tessera.domain.cohort.compare import pairs
from tessera.domain.cohort.result import Outcome
from tests.accounts_trial import add_person, bearer, browser
from tests.hub_trial import TrialHub, exact_description, served, trial_hub
from tests.pages.html_check import faults

QUERY = "cancer = prostate and modality = MR"


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[TrialHub]:
    with trial_hub(tmp_path) as found:
        node = found.joined(Ed25519Signer.create(tmp_path / "node.key"))
        found.hub.catalogued.publish(node, exact_description())
        yield found


def _answered(trial: TrialHub, search_id: str, n_subjects: int) -> None:
    """Let the node's dataset answer a search."""
    (row,) = trial.store.searches.asked(search_id)
    told = replace(row, outcome=Outcome.COUNTED, n_subjects=n_subjects, n_studies=n_subjects)
    assert trial.store.searches.answer(told, trial.clock.now())


def test_a_cohort_is_asked_again_and_its_answers_stand_side_by_side(trial: TrialHub) -> None:
    anna = add_person(trial.hub.accounts, "anna")
    with served(trial.hub) as url, httpx.Client(base_url=url) as client:
        client.headers.update(bearer(trial.hub.accounts, anna))
        made = client.post("/api/v1/cohorts", json={"name": "Mine", "query": f"({QUERY})"})
        assert made.status_code == 201
        assert made.json()["query"] == QUERY
        address = made.headers["location"]
        for n_subjects in (40, 60):
            run = client.post(f"{address}/run").json()
            assert run["query"] == QUERY
            _answered(trial, run["search_id"], n_subjects)
            trial.clock.pass_s(60)
        found = client.get(address).json()
        assert [one["n_subjects"] for one in found["runs"]] == [60, 40]  # the newest first
        (cohort,) = client.get("/api/v1/cohorts").json()["cohorts"]
        assert cohort["name"] == "Mine"

        with browser(url, "anna") as shown:
            page = shown.get(f"/cohorts/{cohort['cohort_id']}").text
            assert faults(page) == []
            assert "+20" in page
            assert "Dataset prostate-mr" in page

        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == 404


def test_a_shared_cohort_shows_the_question_and_not_the_answers(trial: TrialHub) -> None:
    anna, bo = (add_person(trial.hub.accounts, user) for user in ("anna", "bo"))
    with served(trial.hub) as url, httpx.Client(base_url=url) as client:
        mine, other = (bearer(trial.hub.accounts, person) for person in (anna, bo))
        made = client.post("/api/v1/cohorts", json={"name": "M", "query": QUERY}, headers=mine)
        address = made.headers["location"]
        run = client.post(f"{address}/run", headers=mine).json()
        _answered(trial, run["search_id"], 40)
        for method, path, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/run", None),
            ("POST", "/share", {"shared": True}),
        ):
            reply = client.request(method, f"{address}{path}", json=body, headers=other)
            assert reply.status_code == 404, (method, path)
            assert client.request(method, f"{address}{path}", json=body).status_code == 401

        assert client.post(f"{address}/share", json={"shared": True}, headers=mine).is_success
        seen = client.get(address, headers=other).json()
        assert (seen["query"], seen["runs"], seen["search_ids"]) == (QUERY, [], [])
        asked = client.post(f"{address}/run", headers=other)
        assert asked.status_code == 201
        again = client.get(address, headers=mine).json()
        assert asked.json()["search_id"] not in again["search_ids"]
        assert client.delete(address, headers=other).status_code == 404
        assert client.post(f"{address}/share", json={"shared": False}, headers=mine).is_success
        assert client.get(address, headers=other).status_code == 404


def test_the_pages_save_compare_and_delete(trial: TrialHub) -> None:
    add_person(trial.hub.accounts, "anna")
    with served(trial.hub) as url, browser(url, "anna") as anna:
        asked = anna.get(f"/search?q={QUERY}")
        assert "Save this cohort" in asked.text
        search_id = asked.text.split('name="search" value="')[1].split('"')[0]
        saved = [
            anna.post("/cohorts", f"/search/{search_id}", name=name, query=query, search=search)
            for name, query, search in (
                ("One <b>", QUERY, search_id),
                ("Two", "sex = male", ""),
            )
        ]
        assert [one.status_code for one in saved] == [303, 303]
        one, two = (reply.headers["location"] for reply in saved)
        listed = anna.get("/cohorts").text
        assert faults(listed) == [] and "One &lt;b&gt;" in listed
        compared = anna.get(f"/cohorts/compare?one={one.split('/')[-1]}&other={two.split('/')[-1]}")
        assert faults(compared.text) == []
        assert "Ask it again first" in compared.text
        run = anna.post(two, two, do="run")
        assert run.headers["location"].startswith("/search/")
        compared = anna.get(f"/cohorts/compare?one={one.split('/')[-1]}&other={two.split('/')[-1]}")
        assert "Dataset prostate-mr" in compared.text and faults(compared.text) == []
        assert anna.post(one, one, do="share").status_code == 303
        assert "Stop sharing" in anna.get(one).text
        assert faults(anna.get(f"{one}?lang=sv").text) == []
        assert anna.post(one, one, do="delete").headers["location"] == "/cohorts"
        assert anna.get(one).status_code == 404
        for name, query in (("", QUERY), ("x", "cancer = lunge"), ("x" * 101, QUERY)):
            wrong = anna.post("/cohorts", f"/search/{search_id}", name=name, query=query, search="")
            assert wrong.status_code == 400 and faults(wrong.text) == []


def test_a_difference_stands_only_where_both_are_counted(trial: TrialHub) -> None:
    first, second = (trial.hub.searching.start(QUERY) for _ in range(2))
    _answered(trial, first.search_id, 40)
    (pair,) = pairs(*(trial.hub.search(one.search_id) for one in (first, second)))
    assert pair.apart is None
    _answered(trial, second.search_id, 30)
    (pair,) = pairs(*(trial.hub.search(one.search_id) for one in (first, second)))
    assert pair.apart == -10
    assert not pair.is_other_version
    (alone,) = pairs(trial.hub.search(first.search_id), replace(first, results=()))
    assert alone.other is None and alone.apart is None


def test_the_same_from_the_command_line(
    trial: TrialHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One program in this process; each command is a call of it over the hub's socket."""
    anna = add_person(trial.hub.accounts, "anna")
    token = bearer(trial.hub.accounts, anna)["Authorization"].split()[1]
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    monkeypatch.setenv("TESSERA_CONFIG", str(config))
    with served(trial.hub) as url:
        HubFolder(config, url).keep(
            KeptLogin(
                hub_url=url,
                person_id=anna.person_id,
                name="Anna",
                token=token,
                expires_at="2030-01-01T00:00:00Z",
            )
        )
        app = Typer()
        register(app)

        def run(*words: str, code: int = 0) -> str:
            done = CliRunner().invoke(app, ["cohorts", *words, "--hub", url])
            assert done.exit_code == code, done.output
            return done.output

        assert "no cohort" in run("list")
        assert "invalid-query" in run("save", "Bad", "cancer =", code=1)
        for name, query in (("MR", QUERY), ("All", "cancer = prostate")):
            assert query in run("save", name, query)
        assert run("list").count("prostate") == 2
        assert "not asked yet" in run("show", "MR")
        for name, n_subjects in (("MR", 40), ("MR", 60), ("All", 90)):
            asked = json.loads(run("run", name, "--wait", "0", "--json", code=3))
            _answered(trial, asked["search_id"], n_subjects)
            trial.clock.pass_s(60)
        shown = run("show", "MR")
        assert all(word in shown for word in ("40", "60", "+20", "prostate"))
        (pair,) = json.loads(run("compare", "MR", "All", "--json"))
        assert (pair["one"]["n_subjects"], pair["difference"]) == (60, 30)
        address = run("share", "MR").strip()
        assert address.startswith(f"{url}/cohorts/")
        assert "shared" in run("list")
        assert "no longer" in run("share", address.rpartition("/")[2][:8], "--stop")
        assert "deleted: MR" in run("delete", "MR")
        assert "nothing here" in run("show", "MR", code=1)
