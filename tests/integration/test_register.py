"""The public register over the real application: true, safe, and nothing private in any byte."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from tessera.client.client import Client
from tessera.domain.access.register import (
    LEFT_OUT,
    MAX_PURPOSE,
    AtHospital,
    Refusal,
    RegisterFilter,
    Standing,
    StepKind,
)
from tessera.domain.errors import NotFound
from tessera.hub.register import RecentRegister
from tessera.wire.register import COLUMNS, entry_to_row
from tests.hub_trial import served, tessera, trial_hub
from tests.pages.html_check import elements, faults
from tests.register_trial import (
    PRIVATE,
    QUERY,
    TITLE,
    RegisterTrial,
    register_trial,
    with_model,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[RegisterTrial]:
    with register_trial(tmp_path) as made:
        yield made


@pytest.fixture
def url(made: RegisterTrial) -> Iterator[str]:
    with_model(made)
    with served(made.trial.hub) as url:
        yield url


def get(url: str, path: str) -> httpx.Response:
    return httpx.get(f"{url}{path}", trust_env=False, headers={"Accept": "text/html"}, timeout=30)


def test_the_progress_tells_what_came_of_asking(url: str) -> None:
    told = get(url, "/api/v1/progress").json()["access"]
    last = told["months"][-1]
    sums = {name: last[name] for name in ("submitted", "decided", "granted", "results", "models")}
    assert sums == {"submitted": 3, "decided": 2, "granted": 1, "results": 1, "models": 1}
    assert told["to_decision"] == {"n": 2, "median_days": None}, "two have no median"
    assert told["n_refused"] == 1
    page = get(url, "/progress?lang=sv").text
    assert not faults(page)
    assert "Ansökningar med tillgång: 1" in page
    assert "Färre än tre hittills" in page
    table = csv.reader(StringIO(get(url, "/progress.csv").text))
    assert ["month", last["month"], "granted", "1"] in list(table)


def test_nothing_private_is_in_any_public_byte(made: RegisterTrial, url: str) -> None:
    # The search is worth something only when the marks are in what the hub keeps.
    kept = b"".join(file.read_bytes() for file in made.trial_files())
    marks = "name mail question answer conditions refused declined detail content".split()
    marks += "revoked revoker ended draft open summary no label".split()
    for mark in marks:  # what stands in signed tokens is in base64
        assert f"{PRIVATE}{mark}".encode() in kept, mark
    persons = [one for person in made.people.values() for one in (person.person_id, person.email)]
    held = made.trial.hub.permits.find(made.permit_id).permit
    keys = [key for person in held.persons for key in person.keys]
    for path in made.paths:
        answer = get(url, path)
        assert answer.status_code == 200, path
        text = answer.text + str(answer.headers)
        assert PRIVATE not in text.lower(), (path, _around(text))
        for secret in (*persons, *keys, held.application_id, QUERY, "counts.json"):
            assert secret not in text, (path, secret)


def test_pages_are_well_made_and_what_a_stranger_wrote_stays_text(
    made: RegisterTrial, url: str
) -> None:
    for path in made.paths:
        if path.startswith(("/register.", "/progress.", "/api/")):
            continue
        page = get(url, path)
        assert faults(page.text) == [], path
        assert "<script>alert" not in page.text
        assert not [e for e in elements(page.text) if "evil" in e.attributes.get("href", "")]
        assert "evil.example" not in page.text
        assert page.text.count("<h1") == 1
    one = get(url, f"/register/{made.revoked_id}").text
    assert "&lt;script&gt;" in one and LEFT_OUT in one
    purpose = made.trial.hub.register.entry(made.revoked_id).purpose
    assert purpose.endswith("…") and len(purpose) <= MAX_PURPOSE


def test_a_permit_is_told_as_it_went(made: RegisterTrial) -> None:
    entry = made.trial.hub.register.entry(made.permit_id)
    assert (entry.title, entry.standing) == (TITLE, Standing.IN_FORCE)
    assert [(one.organisation, one.n_persons) for one in entry.users] == [
        ("Uppsala universitet", 1)
    ]
    states = {one.node_id: one.state for one in entry.hospitals}
    assert states == {"linkoping": AtHospital.AGREED, "valencia": AtHospital.DECLINED}
    assert (entry.n_refused, entry.n_not_answered, entry.n_runs) == (1, 0, 3)
    (result,) = entry.results
    assert (result.node_id, result.tool, dict(result.files)) == (
        "linkoping",
        "counts 1.0",
        {"aggregate": 1},
    )
    assert [step.kind for step in entry.story] == [
        StepKind.ASKED,
        StepKind.CHECKED,
        StepKind.DECIDED,
        StepKind.ISSUED,
        StepKind.AGREED,
        StepKind.DECLINED,
        StepKind.RESULT,
    ]
    assert [step.at for step in entry.story] == sorted(step.at for step in entry.story)


def test_a_permit_that_was_taken_back_stays_with_its_story(made: RegisterTrial) -> None:
    entry = made.trial.hub.register.entry(made.revoked_id)
    assert entry.standing is Standing.REVOKED
    kinds = [step.kind for step in entry.story]
    assert kinds == [
        StepKind.ISSUED,
        StepKind.AGREED,
        StepKind.HOSPITAL_ENDED,
        StepKind.REVOKED,
    ]


def test_a_permit_that_has_run_out_is_shown_as_ended(made: RegisterTrial) -> None:
    made.trial.clock.pass_s(400 * 86_400)
    entry = made.trial.hub.register.entry(made.permit_id)
    assert entry.standing is Standing.ENDED
    assert entry.story[-1].kind is StepKind.ENDED and entry.story[-1].at == entry.ends


def test_the_numbers_count_every_refusal_once_and_no_draft(made: RegisterTrial) -> None:
    numbers = made.trial.hub.register.shown().statistics
    assert (numbers.n_permits, numbers.n_in_force, numbers.n_results) == (2, 1, 1)
    assert (numbers.n_open, numbers.n_decided) == (1, 2)
    # 5 days for the granted one, 9 for the declined one.
    assert numbers.median_days == 7.0
    assert {kind: n for kind, n in numbers.refusals.items() if n} == {
        Refusal.COMMITTEE: 1,
        Refusal.HOSPITAL: 1,
        Refusal.NOT_COUNTERSIGNED: 1,
        Refusal.ENDED_BY_HOSPITAL: 1,
        Refusal.REVOKED: 1,
    }


@pytest.mark.parametrize(
    ("query", "n_found"),
    [
        ("", 2),
        ("hospital=valencia", 1),
        ("hospital=linkoping", 2),
        ("status=revoked", 1),
        ("status=no-such", 0),
        ("q=biopsy+PSA", 1),
        ("q=biopsy+stranger", 0),
        ("hospital=valencia&status=revoked", 0),
        ("page=99", 2),
        ("page=-1", 2),
        ("page=%C2%B2", 2),
        ("q=" + "x" * 5000, 0),
    ],
)
def test_filters_find_what_fits(url: str, query: str, n_found: int) -> None:
    page = get(url, f"/register?{query}")
    assert page.status_code == 200
    assert page.text.count('<article class="permit"') == n_found
    answer = httpx.get(f"{url}/api/v1/register?{query}", trust_env=False)
    assert len(answer.json()["permits"]) == n_found


def test_json_csv_and_feed_say_the_same(made: RegisterTrial, url: str) -> None:
    with Client(url) as client:
        read = client.register()
        assert read == made.trial.hub.register.shown()
        assert client.register(RegisterFilter(hospital="valencia")).entries == tuple(
            one for one in read.entries if one.hospital("valencia")
        )
        assert client.register_entry(made.permit_id) == read.entries[1]
        with pytest.raises(NotFound):
            client.register_entry("no-such")
    rows = list(csv.DictReader(StringIO(get(url, "/register.csv").content.decode("utf-8-sig"))))
    assert [row["permit_id"] for row in rows] == [one.permit_id for one in read.entries]
    assert [row["sha256"] for row in rows] == [one.sha256 for one in read.entries]
    feed = ElementTree.fromstring(get(url, "/register.atom").content)  # noqa: S314  our own
    names = {"a": "http://www.w3.org/2005/Atom"}
    assert [e.findtext("a:id", "", names) for e in feed.findall("a:entry", names)] == [
        f"urn:uuid:{one.permit_id}" for one in read.entries
    ]


def test_a_cell_is_never_a_formula(made: RegisterTrial) -> None:
    entry = replace(made.trial.hub.register.entry(made.permit_id), title="=HYPERLINK(1)")
    assert entry_to_row(entry)[COLUMNS.index("title")] == "'=HYPERLINK(1)"


def test_the_fingerprint_is_that_of_the_permit_and_of_the_hub_s_log(
    made: RegisterTrial, url: str
) -> None:
    held = made.trial.hub.permits.find(made.permit_id)
    body = httpx.get(f"{url}/api/v1/register/{made.permit_id}", trust_env=False).json()
    assert body["sha256"] == held.sha256
    issued = [
        entry
        for entry in made.trial.hub.register.audit.entries()
        if entry.event.event == "permit-issued"
    ]
    assert held.sha256 in {entry.event.facts["permit_sha256"] for entry in issued}
    page = get(url, f"/register/{made.permit_id}").text
    assert held.sha256 in page
    assert body["audit_head"]["root"] in page
    assert body["audit_head"]["log"] == made.trial.fingerprint


def test_a_model_is_shown_with_its_page_and_an_address_elsewhere_is_not(
    made: RegisterTrial, url: str
) -> None:
    page = get(url, f"/register/{made.permit_id}").text
    assert any(e.attributes.get("href") == "/models/m1" for e in elements(page))
    (model,) = made.trial.hub.register.models()
    for elsewhere in ("//evil.example/m", "https://evil.example/m", "javascript:alert(1)"):
        changed = replace(
            made.trial.hub.register, models=lambda page=elsewhere: [replace(model, page=page)]
        )
        assert changed.entry(made.permit_id).models[0].page == ""


def test_patients_find_whom_to_ask_and_what_used_their_hospital_s_data(url: str) -> None:
    for language, words in (("en", "How do I say no?"), ("sv", "Hur säger jag nej?")):
        page = get(url, f"/patients?lang={language}").text
        assert words in page
        assert "mailto:data%40hospital.example.org" in page
        links = {e.attributes.get("href") for e in elements(page)}
        assert {"/register?hospital=linkoping", "/register?hospital=valencia"} <= links


def test_many_readers_make_the_register_once_a_second(made: RegisterTrial) -> None:
    now = [100.0]
    recent = RecentRegister(made.trial.hub.register, monotonic=lambda: now[0])
    first = recent.shown()
    made.trial.hub.permits.revoke(made.permit_id, "It is over.", "trial")
    assert recent.shown() is first
    assert recent.shown(RegisterFilter(status="revoked")).statistics == first.statistics
    now[0] += 1
    assert recent.shown().statistics.n_in_force == first.statistics.n_in_force - 1


def test_an_unknown_permit_is_not_found(url: str) -> None:
    assert get(url, "/register/no-such").status_code == 404
    assert httpx.get(f"{url}/api/v1/register/no-such", trust_env=False).status_code == 404


def test_a_hub_without_a_permit_says_so(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        for path in ("/register", "/patients"):
            page = get(url, path)
            assert page.status_code == 200 and faults(page.text) == []
        assert "No permit has been given yet" in get(url, "/register").text


def test_the_command_prints_the_register_in_both_languages(made: RegisterTrial, url: str) -> None:
    said = tessera("register", "--hub", url).stdout
    assert TITLE in said and "In force" in said and PRIVATE not in said
    sv = tessera("register", made.permit_id, "--hub", url, "--language", "sv").stdout
    assert "Gäller nu" in sv and "Valencia sa nej" in sv
    assert made.trial.hub.permits.find(made.permit_id).sha256 in sv
    body = json.loads(tessera("register", "--hub", url, "--status", "revoked", "--json").stdout)
    assert [one["permit_id"] for one in body["permits"]] == [made.revoked_id]
    missing = tessera("register", "no-such", "--hub", url, check=False)
    assert missing.returncode == 1 and "not-found" in missing.stderr


def _around(text: str) -> str:
    at = text.lower().find(PRIVATE)
    return text[max(0, at - 80) : at + 80]
