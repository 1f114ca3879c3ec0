"""A hub with two nodes, three datasets and the people of an application, to try things on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.application_commands import Accept, Submit
from tessera.domain.access.application_state import AccessApplication
from tessera.domain.access.form import form
from tessera.domain.access.people import Grant, Person
from tessera.domain.access.permit import AccessMode
from tessera.domain.ids import DatasetId, NodeId
from tessera.http.identify import session_cookie
from tessera.hub.accounts import Accounts
from tessera.wire.applications import WrittenContents
from tests.accounts_trial import Browser, browser
from tests.hub_trial import TrialHub, released, trial_hub

LINKOPING, VALENCIA = NodeId("linkoping"), NodeId("valencia")
PROSTATE, BREAST = DatasetId("prostate-mr"), DatasetId("breast-mg")
WORDS = "Free text that stays in the application."


def full_answers() -> dict[str, tuple[str, ...]]:
    return {q.id: (next(iter(q.choices), WORDS),) for q in form().questions.values()}


def whole(**changes: object) -> WrittenContents:
    """Return contents that can be submitted."""
    contents = WrittenContents(
        answers=full_answers(),
        datasets=(
            (LINKOPING, PROSTATE, None),
            (LINKOPING, BREAST, 1),
            (VALENCIA, PROSTATE, None),
        ),
        modes=frozenset({AccessMode.DOWNLOAD}),
    )
    return replace(contents, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ApplicationTrial:
    trial: TrialHub
    people: Mapping[str, Person]

    def submitted(self, **changes: object) -> AccessApplication:
        negotiating, anna = self.trial.hub.negotiating, self.people["anna"]
        state = negotiating.draft(anna, whole(**changes))
        return negotiating.step(anna, state.application_id, Submit())

    def deciding(self, **changes: object) -> AccessApplication:
        state = self.submitted(**changes)
        by = self.people["carl"]
        return self.trial.hub.negotiating.step(by, state.application_id, Accept())


@contextmanager
def signed_in(trial: TrialHub, url: str, user: str) -> Iterator[Browser]:
    """Open a browser that has the session of somebody who signed in a moment ago."""
    accounts = trial.hub.accounts
    person = accounts.named(user).person()
    with browser(url) as opened:
        secret = accounts.sign_ins.begin(person, how="password", browser="trial")
        opened.http.cookies.set(session_cookie(accounts), secret)
        yield opened


def _add(accounts: Accounts, user: str, *roles: str) -> None:
    """Make an account without a password: hashing one takes its time."""
    accounts.add(
        name=f"Person {user}",
        user=user,
        organisation="Test university",
        grants=frozenset(map(Grant.parse, roles)),
    )


@contextmanager
def application_trial(folder: Path) -> Iterator[ApplicationTrial]:
    """Open the hub; opening the same folder again restarts it with the same people."""
    is_new = not (folder / "hub").exists()
    with trial_hub(folder / "hub") as trial:
        accounts = trial.hub.accounts
        if is_new:
            for name, ids in (("Linköping", (PROSTATE, BREAST)), ("Valencia", (PROSTATE,))):
                node = trial.joined(Ed25519Signer.create(folder / f"{name}.key"), name)
                for one in ids:
                    trial.hub.catalogued.publish(node, released(one).value)
            _add(accounts, "anna", "researcher")
            _add(accounts, "mia", "researcher")
            _add(accounts, "carl", "committee")
            _add(accounts, "hedda", "holder@linkoping")
            _add(accounts, "henrik", "holder@linkoping", "researcher")
            _add(accounts, "vera", "holder@valencia")
            _add(accounts, "olle", "operator@linkoping")
        people = {account.user_name: account.person() for account in accounts.all()}
        yield ApplicationTrial(trial, people)
