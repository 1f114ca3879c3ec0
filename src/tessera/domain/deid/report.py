"""The report of a de-identification: each action counted, with its reason and clause. Pure.

It names attributes and never a value, so that it may be shown to a committee; what names
sources or persons is in other files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.deid.actions import ACTION_WORDS
from tessera.domain.deid.explain import ExplainedOption, explain_attribute, explain_profile
from tessera.domain.deid.risk import COLUMNS, Risk
from tessera.domain.deid.rules import RuleSet
from tessera.domain.deid.tally import Changes, PixelAction
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.encoding import text_of

PRIVATE: Final = -1
"""Stands for all private elements in counts of changes."""


@dataclass(frozen=True, slots=True)
class ChangedElements:
    """What became of one attribute, over all instances."""

    element: str
    keyword: str
    action: str
    elements: int
    why: str
    source: str
    """Table and column, option, override, list or rule that decided."""
    clause: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Sources that were held or refused for one reason."""

    state: str
    reason: str
    mend: str
    sources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidReport:
    """One batch, one node or one dataset version."""

    label: str
    """Profile: name, version, fingerprint."""
    description: str
    options: tuple[ExplainedOption, ...]
    states: Mapping[str, int]
    """State → sources."""
    changes: tuple[ChangedElements, ...]
    """The most frequent first."""
    not_taken: tuple[NotTaken, ...]
    pixels: tuple[PixelAction, ...] = ()
    decided: Mapping[str, int] | None = None
    """What persons decided: verdict → instances; None where nobody was asked."""
    risk: Risk | None = None
    faces: int = 0
    """Series whose face was taken out."""

    def as_json(self) -> dict[str, object]:
        """Return it as plain values; `tessera_deid_report` is the version of this form."""
        return {
            "tessera_deid_report": 1,
            "profile": self.label,
            "description": self.description,
            "options": [
                {"option": o.option, "taken": o.taken, "code": o.code, "clause": o.clause}
                for o in self.options
            ],
            "states": dict(self.states),
            "changes": [
                {
                    "element": c.element,
                    "keyword": c.keyword,
                    "action": c.action,
                    "elements": c.elements,
                    "why": c.why,
                    "source": c.source,
                    "clause": c.clause,
                }
                for c in self.changes
            ],
            "not_taken": [
                {"state": n.state, "reason": n.reason, "mend": n.mend, "sources": n.sources}
                for n in self.not_taken
            ],
            "pixels": [
                {"action": p.action, "reason": p.reason, "boxes": p.boxes} for p in self.pixels
            ],
            "decided": dict(self.decided) if self.decided is not None else None,
            "faces": self.faces,
            "risk": risk_json(self.risk) if self.risk else None,
        }


def report_of(
    rules: RuleSet,
    changes: Changes,
    *,
    states: Mapping[str, int],
    not_taken: Sequence[NotTaken],
    pixels: Sequence[PixelAction] = (),
    decided: Mapping[str, int] | None = None,
    risk: Risk | None = None,
    faces: int = 0,
) -> DeidReport:
    """Return the report over what was counted."""
    profile = explain_profile(rules)
    return DeidReport(
        label=rules.label,
        description=profile.description,
        options=profile.options,
        states=dict(sorted(states.items())),
        changes=tuple(
            _changed(rules, tag, action, n)
            for (tag, action), n in sorted(changes.items(), key=lambda item: (-item[1], item[0]))
        ),
        not_taken=tuple(sorted(not_taken, key=lambda one: (-one.sources, one.reason))),
        pixels=tuple(sorted(pixels, key=lambda one: (one.action, -one.boxes))),
        decided=decided,
        risk=risk,
        faces=faces,
    )


def _changed(rules: RuleSet, tag: int, action: int, n: int) -> ChangedElements:
    words = ACTION_WORDS[action]
    if tag == PRIVATE:
        return ChangedElements(
            "private",
            "",
            words,
            n,
            "found by creator, not by number",
            "list of safe private",
            ("PS3.15 E.3.10"),
        )
    try:
        told = explain_attribute(rules, text_of(tag))
    except InvalidSettings:
        return ChangedElements(text_of(tag), "", words, n, "no attribute of the standard", "", "")
    return ChangedElements(told.tag, told.keyword, words, n, told.why, told.source, told.clause)


def risk_json(risk: Risk) -> dict[str, object]:
    """Return the figures of residual risk as plain values."""
    return {
        "subjects": risk.n_subjects,
        "classes": risk.n_classes,
        "k": risk.k,
        "unique": risk.unique,
        "in_small_classes": risk.small,
        "highest": round(risk.highest, 4),
        "mean": round(risk.mean, 4),
        "sizes": [list(pair) for pair in risk.sizes],
        "known": {name: risk.known.get(name, 0) for name in COLUMNS},
        "coarser": [
            {"column": c.column, "change": c.change, "unique": c.unique, "small": c.small}
            for c in risk.coarser
        ],
    }
