"""A hub with something to register: applications, permits, runs and a model, by real use cases.

Whatever is private carries `PRIVATE`, so that a search for it in public bytes finds every leak.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.application_commands import (
    Accept,
    Answer,
    AskBack,
    Decline,
    Grant,
    Refuse,
    Submit,
)
from tessera.domain.access.people import Grant as RoleGrant
from tessera.domain.access.people import Person
from tessera.domain.access.permit import AccessMode
from tessera.domain.access.register import PublicModel
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId
from tessera.ports.accounts import KeyRecord
from tessera.wire.applications import WrittenContents
from tessera.wire.permit import use_payload
from tessera.wire.tasks import ReportKind, RunState
from tests.access_trial import (
    Researcher,
    ScriptedNode,
    counting_tool,
    permit_for,
    use_of,
)
from tests.application_trial import full_answers
from tests.hub_trial import TrialHub, released, trial_hub

PRIVATE = "zqxw"
QUERY = "cancer = prostate and age_at_diagnosis between 41 and 87"
PROSTATE, BREAST = DatasetId("prostate-mr"), DatasetId("breast-mg")
TITLE = "Can MR show which prostate cancers need no biopsy?"
PURPOSE = (
    "Many men with a raised PSA have a biopsy that finds nothing dangerous. We want to learn from "
    "MR images of earlier patients which lesions are harmless, so that fewer men need a needle. "
    "We count and compare; nobody looks at single patients."
)
HOSTILE = '<script>alert("x")</script> see https://evil.example/a?b or write to me@evil.example'


@dataclass(frozen=True)
class RegisterTrial:
    trial: TrialHub
    linkoping: ScriptedNode
    valencia: ScriptedNode
    people: dict[str, Person]
    permit_id: str
    """Granted by application; agreed at Linköping, declined at Valencia; one result."""
    revoked_id: str
    """Its title and purpose are hostile."""

    folder: Path

    def trial_files(self) -> list[Path]:
        """Return the files in which the hub keeps what it knows."""
        return [file for file in (self.folder / "hub").rglob("*") if file.is_file()]

    @property
    def paths(self) -> list[str]:
        """Return the address of everything public, in both languages where there are two."""
        ids = (self.permit_id, self.revoked_id)
        pages = ["/", "/register", "/patients", "/progress", "/register.atom"]
        pages += ["/register?q=mr&hospital=linkoping&status=in-force", "/register?q=nothing"]
        pages += [f"/register/{one}" for one in ids]
        found = [
            f"{page}{'&' if '?' in page else '?'}lang={lang}" for page in pages for lang in LANGS
        ]
        return [
            *found,
            "/register.csv",
            "/progress.csv",
            "/api/v1/progress",
            "/api/v1/register",
            *(f"/api/v1/register/{one}" for one in ids),
        ]


LANGS = ("en", "sv")


@contextmanager
def register_trial(folder: Path) -> Iterator[RegisterTrial]:
    with trial_hub(folder / "hub") as trial:
        linkoping = ScriptedNode.at(trial, folder, "Linköping")
        valencia = ScriptedNode.at(trial, folder, "Valencia")
        trial.hub.catalogued.publish(linkoping.record, released(PROSTATE).value)
        trial.hub.catalogued.publish(linkoping.record, released(BREAST).value)
        trial.hub.catalogued.publish(valencia.record, released(PROSTATE).value)
        people = {
            user: _person(trial, user, *roles)
            for user, roles in {
                "anna": ("researcher",),
                "mia": ("researcher",),
                "carl": ("committee",),
                "hedda": ("holder@linkoping",),
                "vera": ("holder@valencia",),
            }.items()
        }
        signer = _key(trial, folder, people["anna"])
        made = RegisterTrial(trial, linkoping, valencia, people, "", "", folder)
        permit_id = _granted(made)
        _used(made, permit_id, signer)
        revoked_id = _revoked(made, folder)
        _not_public(made)
        yield replace(made, permit_id=permit_id, revoked_id=revoked_id)


def with_model(made: RegisterTrial) -> None:
    """Put a released model beside the granted permit, as learning at the hub does."""
    model = PublicModel(
        permit_id=made.permit_id,
        model_id="m1",
        title="Lesion classifier 1.0",
        released_at=made.trial.clock.at,
        node_ids=(made.linkoping.node_id,),
        n_tests=2,
        page="/models/m1",
    )
    public = made.trial.hub.register
    changed = replace(public, models=lambda: [model])
    object.__setattr__(made.trial.hub, "register", changed)


def _person(trial: TrialHub, user: str, *roles: str) -> Person:
    account = trial.hub.accounts.add(
        name=f"{user.title()} {PRIVATE}name",
        user=f"{user}.{PRIVATE}user",
        organisation="Uppsala universitet",
        email=f"{user}@{PRIVATE}mail.example",
        grants=frozenset(map(RoleGrant.parse, roles)),
    )
    return account.person()


def _key(trial: TrialHub, folder: Path, person: Person) -> Ed25519Signer:
    signer = Ed25519Signer.create(folder / "person.key")
    trial.store.accounts.keys.add(
        KeyRecord(
            public_key=signer.public_key,
            person_id=person.person_id,
            label=f"{PRIVATE}label",
            created_at=trial.clock.at,
        )
    )
    return signer


def _contents(made: RegisterTrial, **answers: str) -> WrittenContents:
    given = {
        name: value if _is_choice(value) else (f"{PRIVATE}{name}",)
        for name, value in full_answers().items()
    }
    given |= {name: (text,) for name, text in answers.items()}
    tool = counting_tool()
    made.trial.hub.tools.add(made.people["anna"], tool)
    search = made.trial.hub.searching.start(QUERY, 10)
    return WrittenContents(
        answers=given,
        datasets=(
            (made.linkoping.node_id, PROSTATE, None),
            (made.linkoping.node_id, BREAST, None),
            (made.valencia.node_id, PROSTATE, None),
        ),
        search_id=search.search_id,
        tools=(tool.digest,),
        members=(made.people["mia"].person_id,),
        modes=frozenset({AccessMode.RUN}),
    )


def _is_choice(value: tuple[str, ...]) -> bool:
    return not value[0].startswith("Free text")


def _granted(made: RegisterTrial) -> str:
    step, clock = made.trial.hub.negotiating.step, made.trial.clock
    anna, carl, hedda, vera = (made.people[one] for one in ("anna", "carl", "hedda", "vera"))
    contents = _contents(made, title=TITLE, summary=PURPOSE)
    id_ = made.trial.hub.negotiating.draft(anna, contents).application_id
    step(anna, id_, Submit())
    clock.pass_s(2 * 86_400)
    step(carl, id_, AskBack(f"{PRIVATE}question"))
    step(anna, id_, Answer(f"{PRIVATE}answer"))
    step(carl, id_, Accept())
    clock.pass_s(3 * 86_400)
    at = made.linkoping.node_id
    step(hedda, id_, Grant(at, PROSTATE, conditions=f"{PRIVATE}conditions"))
    step(hedda, id_, Refuse(at, BREAST, reason=f"{PRIVATE}refused"))
    state = step(vera, id_, Grant(made.valencia.node_id, PROSTATE))
    assert state.permit_id, "the last decision concludes it and issues the permit"
    return state.permit_id


def _used(made: RegisterTrial, permit_id: str, signer: Ed25519Signer) -> None:
    node, clock, runs = made.linkoping, made.trial.clock, made.trial.hub.runs
    held = made.trial.hub.permits.find(permit_id)
    clock.pass_s(86_400)
    node.take_up()
    node.countersign(permit_id, held.sha256, by=f"Hedda {PRIVATE}countersigner")
    made.valencia.take_up()
    made.valencia.report(ReportKind.DECLINED, permit_id=permit_id, reason=f"{PRIVATE}declined")
    content = f'{{"{PRIVATE}content": 40}}'.encode()
    for ending in (RunState.RELEASED, RunState.WITHHELD, RunState.FAILED):
        use = use_of(made.trial, permit_id, node, arguments=f'{{"a": "{PRIVATE}argument"}}')
        runs.start(made.people["anna"], signer.sign(use_payload(use)), {})
        node.take_up()
        report = {"use_id": use.use_id, "detail": f"{PRIVATE}detail"}
        node.report(ReportKind.RUN, state=RunState.RUNNING, **report)
        if ending is not RunState.FAILED:
            node.report(ReportKind.RUN, state=RunState.IN_AIRLOCK, **report)
        if ending is RunState.RELEASED:
            node.deliver(node.part(use.use_id, content, sha256=sha256(content).hexdigest()))
            files = [{"name": "counts.json"}]
            node.report(ReportKind.RUN, state=ending, files=files, **report)
        else:
            node.report(ReportKind.RUN, state=ending, **report)
        clock.pass_s(3600)


def _revoked(made: RegisterTrial, folder: Path) -> str:
    """A permit as a stranger would fill it in; it lets a model out, and the hub takes it back."""
    trial = made.trial
    other = Researcher(made.people["mia"], Ed25519Signer.create(folder / "other.key"), "")
    permit = permit_for(
        trial.clock.at,
        other,
        nodes=(made.linkoping,),
        tool=counting_tool(),
        title=f"A stranger's title {HOSTILE}",
        purpose=f"A stranger's words. {HOSTILE} " + "and so on " * 900,
        modes=frozenset({AccessMode.LEARN, AccessMode.DOWNLOAD}),
        outputs=frozenset({OutputKind.MODEL}),
        conditions=(f"{PRIVATE}permit-condition",),
    )
    trial.hub.permits.issue(permit)
    made.linkoping.take_up()
    held = trial.hub.permits.find(permit.permit_id)
    made.linkoping.countersign(permit.permit_id, held.sha256, by=f"{PRIVATE}by")
    trial.clock.pass_s(86_400)
    made.linkoping.report(ReportKind.REVOKED, permit_id=permit.permit_id, reason=f"{PRIVATE}ended")
    trial.hub.permits.revoke(permit.permit_id, f"{PRIVATE}revoked", f"{PRIVATE}revoker")
    return permit.permit_id


def _not_public(made: RegisterTrial) -> None:
    """Applications that give no permit: a draft, an open one, a declined one."""
    negotiating, anna, carl = made.trial.hub.negotiating, made.people["anna"], made.people["carl"]
    negotiating.draft(anna, _contents(made, title=f"{PRIVATE}draft"))
    for ending in (None, Decline(f"{PRIVATE}no")):
        contents = _contents(made, title=f"{PRIVATE}open", summary=f"{PRIVATE}summary")
        id_ = negotiating.draft(anna, contents).application_id
        negotiating.step(anna, id_, Submit())
        made.trial.clock.pass_s(timedelta(days=9).total_seconds())
        if ending is not None:
            negotiating.step(carl, id_, ending)
