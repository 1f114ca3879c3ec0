"""A conformance report as one HTML file that needs nothing beside it: no script, no network."""

from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report.swedish_tiers import COLUMNS, ELEMENTS, STATEMENTS, TEXTS, WORDS
from tessera.domain.errors import InvalidInput
from tessera.domain.tiers.judged import Conformance, Judged, missing_for
from tessera.domain.tiers.label import LABEL, Element
from tessera.domain.tiers.statements import BY_ID, TIERS

_CHIPS: Final = {
    "met": "ok",
    "not-met": "error",
    "not-looked": "warning",
    "not-applicable": "none",
    "high": "ok",
    "stated": "ok",
    "medium": "note",
    "low": "error",
    "not-stated": "warning",
    "unknown": "none",
}
"""Verdict or grade → class of its chip."""


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    tier: int
    asks: str
    is_advice: bool
    verdict: str
    found: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Graded:
    article: str
    says: str
    grade: str
    evidence: tuple[tuple[str, str], ...]


def render_tiers(report: Conformance, *, title: str, language: str) -> str:
    """Return the report as a complete HTML document. Raises InvalidInput for another language."""
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = WORDS[language]
    tier = report.tier
    next_tier = min(tier + 1, TIERS[-1])
    missing = missing_for(report.verdicts, next_tier)
    lines = [_line(one, language) for one in report.judged]
    return environment.get_template("tiers.html").render(
        title=title,
        language=language,
        words=words,
        chips=_CHIPS,
        report=report,
        tier=words["tier"].format(n=tier) if tier else words["tier_0"],
        reached=tier,
        next=words["next"].format(n=next_tier, missing=", ".join(missing)) if missing else "",
        tiers=[
            (words["tier"].format(n=n), [line for line in lines if line.tier == n]) for n in TIERS
        ],
        label=[_graded(element, language) for element in report.label],
    )


def found_in(one: Judged, language: str) -> tuple[str, str]:
    """Return what was found and what to do, in `language`."""
    if language != "sv":
        return one.found, one.mend
    found, mend = TEXTS[one.kind]
    return found.format_map(one.facts), mend.format_map(one.facts) if one.mend else ""


def asks_in(id_: str, language: str) -> str:
    """Return what a statement asks, in `language`."""
    return STATEMENTS[id_] if language == "sv" else BY_ID[id_].asks


def _line(one: Judged, language: str) -> _Line:
    found, mend = found_in(one, language)
    return _Line(
        id=one.id,
        tier=BY_ID[one.id].tier,
        asks=asks_in(one.id, language),
        is_advice=BY_ID[one.id].is_advice,
        verdict=one.verdict.value,
        found=found,
        mend=mend,
    )


def _graded(element: Element, language: str) -> _Graded:
    letter, says = LABEL[element.name]
    return _Graded(
        article=f"78(3)({letter})",
        says=ELEMENTS[element.name] if language == "sv" else says,
        grade=element.grade.value,
        evidence=tuple(
            (_column(name, language), str(value))
            for name, value in element.evidence.items()
            if value != ""
        ),
    )


def _column(name: str, language: str) -> str:
    return COLUMNS[name] if language == "sv" else name.replace("_", " ")
