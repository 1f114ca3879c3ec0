"""What was found of the statements, and the tier that follows. Pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from tessera.domain.audit.entry import canonical, moment, moment_text
from tessera.domain.errors import InvalidInput
from tessera.domain.tiers.label import LABEL, Element, Grade
from tessera.domain.tiers.statements import BY_ID, STATEMENTS, TIERS, Verdict
from tessera.domain.tiers.texts import TEXTS

FORMAT: Final = "tessera-conformance/1"
"""Said inside the signed bytes, so that no other message of the same key can pass for a report."""
Fact = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of one statement. Its numbers are exact and stay inside the node."""

    id: str
    verdict: Verdict
    kind: str
    """Key of the text that says what was found."""
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def found(self) -> str:
        return TEXTS[self.kind][0].format_map(self.facts)

    @property
    def mend(self) -> str:
        """Return what to do; empty where nothing is."""
        wants = self.verdict in (Verdict.NOT_MET, Verdict.NOT_LOOKED)
        return TEXTS[self.kind][1].format_map(self.facts) if wants else ""


def judged(id_: str, verdict: Verdict, kind: str, **facts: Fact) -> Judged:
    """Return what was found of statement `id_`."""
    return Judged(id=id_, verdict=verdict, kind=kind, facts=facts)


def met(id_: str, *, otherwise: str, when: bool, kind: str, **facts: Fact) -> Judged:
    """Return met with the text `kind` `when` it is so, else not met with the text `otherwise`."""
    verdict = Verdict.MET if when else Verdict.NOT_MET
    return Judged(id=id_, verdict=verdict, kind=kind if when else otherwise, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """A report on one dataset version: every statement, and the elements of the label."""

    dataset_id: str
    version: int
    manifest_sha256: str
    node: str
    """The node's id at its hub, or its name."""
    software: str
    at: datetime
    """UTC, whole seconds."""
    judged: tuple[Judged, ...]
    label: tuple[Element, ...]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict on every statement, in order; what is missing was not looked at."""
        found = {one.id: one.verdict for one in self.judged}
        return {one.id: found.get(one.id, Verdict.NOT_LOOKED) for one in STATEMENTS}

    @property
    def tier(self) -> int:
        return tier_of(self.verdicts)

    def to_json(self) -> str:
        """Return the whole report, with its exact numbers: it stays inside the node."""
        body = {
            **self._head(),
            "statements": [
                {
                    "id": one.id,
                    "asks": BY_ID[one.id].asks,
                    "advice": BY_ID[one.id].is_advice,
                    "verdict": one.verdict.value,
                    "found": one.found,
                    "mend": one.mend,
                    "evidence": dict(one.facts),
                }
                for one in self.judged
            ],
            "label": [element.as_json() for element in self.label],
        }
        return json.dumps(body, ensure_ascii=False, indent=1) + "\n"

    def to_sign(self) -> bytes:
        """Return what is signed and published: verdicts and grades, words of closed sets only."""
        return canonical(
            {
                **self._head(),
                "statements": {name: verdict.value for name, verdict in self.verdicts.items()},
                "label": {element.name: element.grade.value for element in self.label},
            }
        )

    def _head(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "dataset_id": self.dataset_id,
            "version": self.version,
            "manifest_sha256": self.manifest_sha256,
            "node": self.node,
            "software": self.software,
            "at": moment_text(self.at),
            "tier": self.tier,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signed report says, read from its payload."""

    dataset_id: str
    version: int
    manifest_sha256: str
    node: str
    software: str
    at: datetime
    tier: int
    statements: Mapping[str, Verdict]
    label: Mapping[str, Grade]


def read_signed(payload: bytes) -> Signed:
    """Read the payload of a signed report; the tier must follow from its verdicts.

    Raises InvalidInput.
    """
    try:
        body = json.loads(payload)
        statements = {name: Verdict(body["statements"][name]) for name in BY_ID}
        label = {name: Grade(body["label"][name]) for name in LABEL}
        if body["format"] != FORMAT or body["tier"] != tier_of(statements):
            raise ValueError("format or tier")
        return Signed(
            dataset_id=str(body["dataset_id"]),
            version=int(body["version"]),
            manifest_sha256=str(body["manifest_sha256"]),
            node=str(body["node"]),
            software=str(body["software"]),
            at=moment(body["at"]),
            tier=int(body["tier"]),
            statements=statements,
            label=label,
        )
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise InvalidInput("not a signed conformance report") from err


@lru_cache(maxsize=20_000)
def said_in(token: str) -> Signed | None:
    """Return what a compact JWS says whose signature was verified when it came; None of none."""
    try:
        payload = token.split(".")[1]
        return read_signed(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):  # binascii.Error and InvalidInput are
        return None


def tier_of(verdicts: Mapping[str, Verdict]) -> int:
    """Return the highest tier whose statements, and those of the tiers below it, all hold."""
    reached = 0
    for tier in TIERS:
        asked = [one for one in STATEMENTS if one.tier == tier and not one.is_advice]
        if not all(verdicts[one.id] in _HOLDS for one in asked):
            break
        reached = tier
    return reached


def missing_for(verdicts: Mapping[str, Verdict], tier: int) -> Sequence[str]:
    """Return the statements up to `tier` that do not hold, advice left out."""
    return [
        one.id
        for one in STATEMENTS
        if one.tier <= tier and not one.is_advice and verdicts[one.id] not in _HOLDS
    ]


_HOLDS = (Verdict.MET, Verdict.NOT_APPLICABLE)
