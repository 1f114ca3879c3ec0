"""Applications at a real hub: who sees them, who decides, and the permit that follows once."""

import os
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Barrier, Thread

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.client.client import Client
from tessera.domain.access.application import ApplicationMoved, CommandRefused
from tessera.domain.access.application import Granted as GrantedEvent
from tessera.domain.access.application_commands import (
    Answer,
    AskBack,
    Conclude,
    Grant,
    Refuse,
    Submit,
    TakeBack,
)
from tessera.domain.access.application_permit import permit_of
from tessera.domain.access.application_state import Stage, Verdict
from tessera.domain.errors import NotFound
from tessera.wire.applications import Rewrite
from tests.accounts_trial import bearer, browser, register_key
from tests.application_trial import (
    BREAST,
    LINKOPING,
    PROSTATE,
    VALENCIA,
    WORDS,
    ApplicationTrial,
    application_trial,
    signed_in,
    whole,
)
from tests.hub_trial import served
from tests.pages.html_check import faults


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApplicationTrial]:
    with application_trial(tmp_path) as opened:
        yield opened


def test_from_a_draft_to_a_permit_over_rest(world: ApplicationTrial, tmp_path: Path) -> None:
    accounts, people = world.trial.hub.accounts, world.people
    key = Ed25519Signer.create(tmp_path / "anna.key")
    register_key(accounts, people["anna"], key)

    def client(user: str) -> Client:
        token = bearer(accounts, people[user])["Authorization"].split()[1]
        return Client(url, token=token)

    with served(world.trial.hub) as url, client("anna") as anna, client("carl") as carl:
        draft = anna.draft_application(whole(members=("mia",)))
        name = str(draft["application_id"])
        assert anna.application_step(name, "submit")["stage"] == "check"
        assert carl.application_step(name, "accept")["stage"] == "deciding"
        with client("hedda") as hedda, client("vera") as vera:
            for dataset in (PROSTATE, BREAST):
                said = {"node_id": LINKOPING, "dataset_id": dataset, "conditions": "Name us."}
                hedda.application_step(name, "grant", **said, until="2026-09-30")
            said = {"node_id": VALENCIA, "dataset_id": PROSTATE, "reason": "Not this year."}
            assert vera.application_step(name, "refuse", **said)["stage"] == "concluded"
        ended = anna.application(name)
        permit = anna.permit(str(ended["permit_id"])).permit

    assert [one.dataset_id for one in permit.datasets] == [PROSTATE, BREAST]
    assert {one.node_id for one in permit.datasets} == {LINKOPING}
    assert [person.person_id for person in permit.persons] == [people["anna"].person_id]
    assert permit.persons[0].keys == (key.public_key.x,)
    assert permit.ends.isoformat() == "2026-10-01T00:00:00+00:00"
    assert permit.conditions == (
        "linkoping/prostate-mr: Name us.",
        "linkoping/breast-mg: Name us.",
    )
    assert permit.application_id == name

    told = [entry.event for entry in world.trial.hub.negotiating.audit.entries()]
    kinds = [event.event for event in told if event.facts.get("application") == name]
    assert kinds == [
        "application-submitted",
        "application-accepted",
        "dataset-granted",
        "dataset-granted",
        "dataset-refused",
        "application-concluded",
    ]
    log = " ".join(str(event) for event in told)
    assert WORDS not in log and "Name us." not in log and "Not this year." not in log
    assert "Person anna" not in log


def test_nobody_sees_an_application_who_has_no_part_in_it(world: ApplicationTrial) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    only_valencia = whole(datasets=((VALENCIA, PROSTATE, None),), members=("mia",))
    state = negotiating.draft(people["anna"], only_valencia)

    def seeing() -> set[str]:
        return {user for user, person in people.items() if negotiating.visible(person)}

    assert seeing() == {"anna", "mia"}
    negotiating.step(people["anna"], state.application_id, Submit())
    assert seeing() == {"anna", "mia", "carl", "vera"}
    with served(world.trial.hub) as url:
        address = f"{url}/api/v1/applications/{state.application_id}"
        for user, status in (("vera", 200), ("hedda", 404), ("olle", 404), ("mia", 200)):
            headers = bearer(world.trial.hub.accounts, people[user])
            answer = httpx.get(address, headers=headers, trust_env=False)
            assert answer.status_code == status, user
            grant = {"type": "grant", "node_id": VALENCIA, "dataset_id": PROSTATE}
            given = httpx.post(f"{address}/commands", json=grant, headers=headers, trust_env=False)
            # Not accepted by the committee yet: not even the holder may.
            assert given.status_code == (409 if status == 200 else 404), user
        assert httpx.get(address, trust_env=False).status_code == 401
    # What was written before it was submitted is nobody else's.
    kinds = [event.number for event in negotiating.history(people["vera"], state.application_id)]
    assert kinds == [2]


def test_two_holders_cannot_both_decide(world: ApplicationTrial) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding()
    barrier, refused = Barrier(2), []

    def grant(user: str) -> None:
        barrier.wait()
        try:
            negotiating.step(people[user], state.application_id, Grant(LINKOPING, PROSTATE, user))
        except CommandRefused:
            refused.append(user)

    threads = [Thread(target=grant, args=(user,)) for user in ("hedda", "henrik")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = negotiating.book.events(state.application_id)
    assert sum(isinstance(event.what, GrantedEvent) for event in events) == 1
    assert len(refused) == 1


def test_who_decides_on_what_changed_meanwhile_is_told(world: ApplicationTrial) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding()
    wish = Grant(LINKOPING, PROSTATE)
    negotiating.step(people["hedda"], state.application_id, wish, expected=state.number)
    with pytest.raises(ApplicationMoved):
        negotiating.step(people["vera"], state.application_id, wish, expected=state.number)


def test_nobody_decides_on_their_own(world: ApplicationTrial) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding(members=("henrik",))
    with pytest.raises(CommandRefused, match="own"):
        negotiating.step(people["henrik"], state.application_id, Grant(LINKOPING, PROSTATE))
    negotiating.step(people["hedda"], state.application_id, Grant(LINKOPING, PROSTATE))


def test_a_permit_waits_for_a_key_and_comes_with_it(
    world: ApplicationTrial, tmp_path: Path
) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding(members=("mia",))
    negotiating.step(people["hedda"], state.application_id, Grant(LINKOPING, PROSTATE))
    ended = negotiating.step(people["carl"], state.application_id, Conclude())
    assert ended.stage is Stage.CONCLUDED
    assert ended.permit_id == ""
    verdicts = [ended.decision(one).verdict for one in ended.contents.datasets]
    assert verdicts == [Verdict.GRANTED, Verdict.NOT_ANSWERED, Verdict.NOT_ANSWERED]
    assert list(negotiating.without_key(ended)) == [
        people["anna"].person_id,
        people["mia"].person_id,
    ]
    assert world.trial.hub.permits.public() == []
    register_key(
        world.trial.hub.accounts, people["mia"], Ed25519Signer.create(tmp_path / "mia.key")
    )
    after = negotiating.find(people["anna"], state.application_id)
    (held,) = world.trial.hub.permits.public()
    assert held.permit.permit_id == after.permit_id
    assert [person.name for person in held.permit.persons] == ["Person mia"]


@pytest.mark.parametrize("is_issued", [True, False])
def test_a_permit_is_issued_once_though_the_hub_dies_in_between(
    tmp_path: Path, is_issued: bool
) -> None:
    """The hub dies after it concluded: before it issues the permit, or before it notes that."""
    with application_trial(tmp_path) as world:
        negotiating, people = world.trial.hub.negotiating, world.people
        state = world.deciding()
        negotiating.step(people["hedda"], state.application_id, Grant(LINKOPING, PROSTATE))
        ended = negotiating.step(people["carl"], state.application_id, Conclude())
        # Past `on_key`, as after a kill: the key is there and nothing was issued.
        world.trial.hub.accounts.on_key.clear()
        key = Ed25519Signer.create(tmp_path / "anna.key")
        register_key(world.trial.hub.accounts, people["anna"], key)
        if is_issued:
            persons = negotiating.granting.persons(ended)
            world.trial.hub.permits.issue(permit_of(ended, persons, world.trial.clock.now()))
    for _ in range(2):
        with application_trial(tmp_path) as world:
            world.trial.clock.pass_s(3600)
            negotiating = world.trial.hub.negotiating
            negotiating.start()
            after = negotiating.find(world.people["anna"], state.application_id)
            (held,) = world.trial.hub.permits.public()
            assert after.permit_id == held.permit.permit_id
            assert [event.number for event in negotiating.book.events(after.application_id)] == [
                *range(1, after.number + 1)
            ]
            assert world.trial.store.tasks.n_open(LINKOPING) == 1


def test_a_draft_keeps_what_was_seen(world: ApplicationTrial) -> None:
    negotiating, anna = world.trial.hub.negotiating, world.people["anna"]
    found = world.trial.hub.searching.start("modality = MR", 10)
    state = negotiating.add_to_draft(anna, [(LINKOPING, PROSTATE, 1)], found.search_id)
    again = negotiating.add_to_draft(anna, [(VALENCIA, PROSTATE, None)])
    assert again.application_id == state.application_id
    assert again.contents.search is not None
    assert again.contents.search.query == "modality = MR"
    (linkoping, valencia) = again.contents.datasets
    assert (linkoping.version, linkoping.manifest_sha256) == (1, "ab" * 32)
    assert (linkoping.title["sv"], linkoping.holder) == ("Datamängd prostate-mr", "Linköping")
    assert valencia.n_subjects == 30
    # The hub forgets searches; the application does not.
    world.trial.store.searches.forget(world.trial.clock.now().replace(year=2030))
    kept = negotiating.add_to_draft(anna, [(LINKOPING, BREAST, None)])
    assert kept.contents.search == again.contents.search
    assert kept.contents.datasets[:2] == (linkoping, valencia)


def test_work_is_told_to_whose_turn_it_is_first_due_first(world: ApplicationTrial) -> None:
    negotiating, people, clock = world.trial.hub.negotiating, world.people, world.trial.clock
    first = world.submitted()

    def waiting() -> dict[str, int]:
        return {user: n for user, p in people.items() if (n := negotiating.n_work(p))}

    assert waiting() == {"carl": 1}
    negotiating.step(people["carl"], first.application_id, AskBack("Who pays?"))
    assert waiting() == {"anna": 1}
    negotiating.step(people["anna"], first.application_id, Answer("The state."))
    clock.pass_s(86_400)
    second = world.submitted()
    assert [one.application.application_id for one in negotiating.work(people["carl"])] == [
        first.application_id,
        second.application_id,
    ]
    clock.pass_s(13.5 * 86_400)
    turns = [one.turn for one in negotiating.work(people["carl"])]
    assert [turn.is_overdue(clock.now()) for turn in turns] == [True, False]
    assert negotiating.news(people["carl"]) == {first.application_id: 1, second.application_id: 1}
    negotiating.visit(people["carl"], negotiating.find(people["carl"], first.application_id))
    assert negotiating.news(people["carl"]) == {second.application_id: 1}


def test_a_decision_can_be_taken_back_until_all_are_made(world: ApplicationTrial) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding(datasets=((LINKOPING, PROSTATE, None), (LINKOPING, BREAST, None)))
    hedda, name = people["hedda"], state.application_id
    negotiating.step(hedda, name, Grant(LINKOPING, PROSTATE))
    negotiating.step(people["henrik"], name, TakeBack(LINKOPING, PROSTATE))
    negotiating.step(hedda, name, Refuse(LINKOPING, PROSTATE, "After all not."))
    ended = negotiating.step(hedda, name, Refuse(LINKOPING, BREAST, "Nor this."))
    assert (ended.stage, ended.permit_id, ended.granted()) == (Stage.CONCLUDED, "", ())
    with pytest.raises(CommandRefused, match="concluded"):
        negotiating.step(hedda, name, TakeBack(LINKOPING, BREAST))


def test_the_committee_s_question_opens_the_application_for_changes(
    world: ApplicationTrial,
) -> None:
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.submitted()
    name, anna = state.application_id, people["anna"]
    with pytest.raises(CommandRefused):
        negotiating.step(anna, name, Rewrite(whole(months=6)))
    negotiating.step(people["carl"], name, AskBack("Shorter?"))
    assert negotiating.step(anna, name, Rewrite(whole(months=6))).contents.months == 6
    with pytest.raises(NotFound):
        negotiating.step(people["olle"], name, Answer("Yes."))


def test_the_pages_work_with_forms_alone(world: ApplicationTrial) -> None:
    people = world.people
    nasty = '<script>alert("x")</script>'
    with served(world.trial.hub) as url:
        with browser(url) as nobody:
            away = nobody.get(f"/basket?dataset={LINKOPING}/{PROSTATE}/1&search=x")
            assert away.status_code == 303
            assert away.headers["location"].startswith("/sign-in?next=%2Fbasket%3Fdataset%3D")
            # The sign-in page carries the choice on.
            assert "dataset=linkoping" in unescape(nobody.get(away.headers["location"]).text)
        with signed_in(world.trial, url, "anna") as anna:
            asked = f"/basket?dataset={LINKOPING}/{PROSTATE}/1"
            assert faults(anna.get(asked).text) == []
            assert anna.http.post("/basket", data={"dataset": "x"}).status_code == 403
            added = anna.post("/basket", asked, dataset=f"{LINKOPING}/{PROSTATE}/1")
            address = added.headers["location"].partition("#")[0]
            edit = anna.get(address)
            assert "Dataset prostate-mr" in edit.text
            number = edit.text.split('name="number" value="')[1].split('"')[0]
            form = {f"q-{k}": v[0] for k, v in whole().answers.items()}
            form |= {"q-title": nasty, "mode": "download", "months": "12", "members": "mia"}
            short = {**form, "number": number, "q-summary": "", "go": "submit"}
            lacking = anna.post(f"{address}/edit", address, **short)
            assert lacking.headers["location"].endswith("?check=1#missing")
            checked = anna.get(lacking.headers["location"])
            assert "An answer is needed." in checked.text
            assert faults(checked.text) == []
            stale = anna.post(f"{address}/edit", address, **form, number=number, go="submit")
            assert stale.status_code == 409
            assert "Somebody else changed the application" in stale.text
            wrong = anna.post(f"{address}/edit", address, **{**form, "members": "nobody"})
            assert wrong.status_code == 400 and "nobody" in wrong.text
            done = anna.post(f"{address}/edit", address, **form, go="submit")
            assert done.headers["location"] == address
            page = anna.get(address).text
            assert nasty not in page and "&lt;script&gt;" in page
            assert faults(page) == []
        with signed_in(world.trial, url, "carl") as carl:
            assert '<span class="count">1' in carl.get("/work").text
            assert faults(carl.get("/work").text) == []
            assert faults(carl.get("/applications").text) == []
            assert faults(carl.get(address).text) == []
            carl.post(f"{address}/step", address, type="accept")
            twice = carl.post(f"{address}/step", address, type="accept")
            assert twice.status_code == 409
            assert "not possible for you, or not any more" in twice.text
        with signed_in(world.trial, url, "hedda") as hedda:
            page = hedda.get(address).text
            assert faults(page) == []
            which = {"node_id": LINKOPING, "dataset_id": PROSTATE}
            hedda.post(f"{address}/step", address, type="grant", **which, until="2026-06-30")
            assert "Granted" in hedda.get(f"{address}?lang=en").text
            assert "Beviljad" in hedda.get(f"{address}?lang=sv").text
        with signed_in(world.trial, url, "vera") as vera:
            assert vera.get(address).status_code == 404
    (state,) = world.trial.hub.negotiating.visible(people["anna"])
    assert state.stage is Stage.CONCLUDED


def test_the_same_from_the_command_line(
    world: ApplicationTrial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each role with a folder of its own for its token."""
    import json
    import subprocess

    from tessera.client.credentials import HubFolder, KeptLogin
    from tests.hub_trial import TESSERA

    accounts = world.trial.hub.accounts
    with served(world.trial.hub) as url:

        def run(user: str, *words: str, code: int = 0) -> str:
            config = tmp_path / "config" / user
            if not config.exists():
                config.mkdir(parents=True, mode=0o700)
                person = world.people[user]
                token = bearer(accounts, person)["Authorization"].split()[1]
                HubFolder(config, url).keep(
                    KeptLogin(
                        hub_url=url,
                        person_id=person.person_id,
                        name=person.name,
                        token=token,
                        expires_at="2030-01-01T00:00:00Z",
                    )
                )
            done = subprocess.run(
                [str(TESSERA), *words],
                env={
                    **os.environ,
                    "TESSERA_CONFIG": str(config),
                    "TESSERA_HUB": url,
                    "NO_PROXY": "127.0.0.1",
                },
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout + done.stderr

        example = run("anna", "apply", "--example")
        mine = tmp_path / "mine.toml"
        filled = example.replace("datasets = []", 'datasets = ["linkoping/prostate-mr"]')
        filled = filled.replace('modes = ["run"]', 'modes = ["download"]')
        query = 'query = "cancer = prostate and modality = MR"'
        mine.write_text(filled.replace(query, 'query = ""'), "utf-8")
        made = json.loads(run("anna", "apply", str(mine), "--submit", "--json"))
        name = made["application_id"]
        assert made["stage"] == "check"
        assert "your turn" in run("carl", "applications", "list")
        run("carl", "applications", "decide", name, "ask", "--text", "Who pays?")
        assert "question: Who pays?" in run("anna", "applications", "show", name)
        run("anna", "applications", "answer", name, "--text", "The state.")
        run("carl", "applications", "decide", name, "accept")
        assert "not-found" in run("vera", "applications", "show", name, code=1)
        granted = run("hedda", "applications", "decide", name, "grant", "--conditions", "Name us.")
        assert "linkoping/prostate-mr v1: granted (Name us.)" in granted
        assert "nobody has registered a key" in granted
        refused = run("hedda", "applications", "decide", name, "grant", code=1)
        assert "no dataset waits for your decision" in refused


def test_a_permit_that_cannot_be_issued_is_told_and_waits(
    world: ApplicationTrial, tmp_path: Path
) -> None:
    """The last day that the holder named is over before anybody has a key."""
    negotiating, people = world.trial.hub.negotiating, world.people
    state = world.deciding(datasets=((LINKOPING, PROSTATE, None),))
    until = world.trial.clock.now().date() + timedelta(days=3)
    wish = Grant(LINKOPING, PROSTATE, "", until)
    negotiating.step(people["hedda"], state.application_id, wish)
    world.trial.clock.pass_s(5 * 86_400)
    signer = Ed25519Signer.create(tmp_path / "anna.key")
    register_key(world.trial.hub.accounts, people["anna"], signer)
    assert world.trial.hub.permits.public() == []
    with served(world.trial.hub) as url, signed_in(world.trial, url, "anna") as anna:
        page = anna.get(f"/applications/{state.application_id}").text
    assert "the permit could not be issued" in page
