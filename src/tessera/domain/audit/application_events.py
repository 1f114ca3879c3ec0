"""What the hub writes down of applications: which, what, by which person id; no words of theirs.

Pure. The person is named by an id that only the hub can turn into a name.
"""

from tessera.domain.access import application as happened
from tessera.domain.audit.entry import Event, Fact

_NAMES = {
    happened.Submitted: "application-submitted",
    happened.Accepted: "application-accepted",
    happened.Declined: "application-declined",
    happened.Granted: "dataset-granted",
    happened.Refused: "dataset-refused",
    happened.TakenBack: "decision-taken-back",
    happened.Concluded: "application-concluded",
    happened.Withdrawn: "application-withdrawn",
}


def told(event: happened.Event) -> Event | None:
    """Return the audit event of a step, or None for drafts, questions and answers."""
    what = event.what
    if type(what) not in _NAMES:
        return None
    facts: dict[str, Fact] = {"application": event.application_id, "person": event.by}
    if isinstance(what, happened.Granted | happened.Refused | happened.TakenBack):
        facts |= {"node": what.node_id, "dataset": what.dataset_id}
    return Event(_NAMES[type(what)], event.acting.value, facts)
