"""A quality report as one HTML file that needs nothing beside it: no script, no network."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report import swedish
from tessera.adapters.report.slice_plot import SlicePlot, slice_plot
from tessera.adapters.report.words import WORDS
from tessera.domain.errors import InvalidInput
from tessera.domain.quality.finding import Finding, Level, Severity
from tessera.domain.quality.registry import NOT_LOOKED
from tessera.domain.quality.report import Coverage, QualityReport

_SHOWN_PLACES = 100
"""Places listed per group of findings; the JSON form holds them all."""
_SHOWN_GROUPS = 100
"""Groups of findings listed per check."""
_SHOWN_PLOTS = 12
"""Plots per group."""
_IN_THE_MESSAGE = frozenset(
    ("reason_text", "reason_mend", "places", "sizes", "spacings", "key", "attribute", "value")
)
"""Evidence that every message of its kind names; a column would say it again."""


@dataclass(frozen=True, slots=True)
class _Place:
    level: str
    uid: str
    cells: tuple[str, ...]
    plot: SlicePlot | None
    pictures: tuple[tuple[str, str], ...]
    """Instance UID and the PNG in base64."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Findings of one check that say the same thing."""

    severity: str
    message: str
    mend: str
    columns: tuple[str, ...]
    places: tuple[_Place, ...]
    n_places: int


@dataclass(frozen=True, slots=True)
class _Section:
    """One check with what it found; `outcome` is error, warning, note, ok, none or unseen."""

    id: str
    title: str
    looks_at: str
    source: str
    unit: str
    n_looked: int
    n_passed: int
    not_looked: str
    outcome: str
    groups: tuple[_Group, ...]
    n_groups: int
    n_findings: int


_LEVEL_WORDS = {Level.SERIES: "one_series"}
"""Levels whose key in `WORDS` is taken by the plural."""


def render_html(
    report: QualityReport,
    *,
    title: str,
    language: str,
    pictures: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Return the report as a complete HTML document.

    `title` names what was checked and is escaped; `language` is "en" or "sv"; `pictures` are PNG
    files by instance UID, of those that findings show.
    Raises InvalidInput for another language.
    """
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("quality.html").render(
        title=title,
        language=language,
        words=WORDS[language],
        report=report,
        counts={level.value: n for level, n in report.counts.items()},
        totals=report.totals,
        statements=[(name, verdict.value) for name, verdict in report.statements().items()],
        sections=[_section(item, report, language, pictures) for item in report.coverage],
        n_files=report.totals.n_instances + report.totals.n_unreadable,
    )


def _section(
    item: Coverage, report: QualityReport, language: str, pictures: Mapping[str, bytes]
) -> _Section:
    findings = [found for found in report.findings if found.check == item.check.id]
    title, looks_at = item.check.title, item.check.looks_at
    reason = NOT_LOOKED.get(item.not_looked, item.not_looked)
    if language == "sv":
        title, looks_at = swedish.CHECKS.get(item.check.id, (title, looks_at))
        reason = swedish.NOT_LOOKED.get(item.not_looked, reason)
    groups = list(_groups(findings, language, pictures))
    return _Section(
        id=item.check.id,
        title=title,
        looks_at=looks_at,
        source=item.check.source,
        unit=item.check.unit.value,
        n_looked=item.n_looked,
        n_passed=item.n_passed,
        not_looked=reason,
        outcome=_outcome(item, findings),
        groups=tuple(groups[:_SHOWN_GROUPS]),
        n_groups=len(groups),
        n_findings=len(findings),
    )


def _outcome(item: Coverage, findings: Sequence[Finding]) -> str:
    found = {finding.severity for finding in findings}
    for severity in Severity:
        if severity in found:
            return severity.value
    if item.not_looked:
        return "unseen"
    return "ok" if item.n_looked else "none"


def _groups(
    findings: Sequence[Finding], language: str, pictures: Mapping[str, bytes]
) -> Iterator[_Group]:
    same: dict[tuple[str, str, str], list[Finding]] = {}
    for item in findings:
        message, mend = _text(item, language)
        same.setdefault((item.severity.value, message, mend), []).append(item)
    for (severity, message, mend), members in same.items():
        shown = members[:_SHOWN_PLACES]
        names = {key: None for item in shown for key in item.evidence}
        columns = tuple(
            key
            for key in names
            if key not in _IN_THE_MESSAGE and any(str(item.evidence.get(key, "")) for item in shown)
        )
        places = tuple(
            _Place(
                level=_LEVEL_WORDS.get(item.where.level, item.where.level.value),
                uid=item.where.uid,
                cells=tuple(_cell(item.evidence.get(key, "")) for key in columns),
                plot=slice_plot(item.slices_mm) if number < _SHOWN_PLOTS else None,
                pictures=_shown(item, pictures) if number < _SHOWN_PLOTS else (),
            )
            for number, item in enumerate(shown)
        )
        headings = tuple(_heading(key, language) for key in columns)
        yield _Group(severity, message, mend, headings, places, len(members))


def _shown(item: Finding, pictures: Mapping[str, bytes]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (uid, b64encode(pictures[uid]).decode()) for uid in item.pictures if uid in pictures
    )


def _heading(key: str, language: str) -> str:
    """Return a column's heading: in words, with the unit where the name ends in one."""
    if language == "sv" and key in swedish.COLUMNS:
        return swedish.COLUMNS[key]
    name, unit = (key.removesuffix("_mm"), ", mm") if key.endswith("_mm") else (key, "")
    return name.removeprefix("n_").replace("_", " ") + unit


def _text(item: Finding, language: str) -> tuple[str, str]:
    if language != "sv" or item.kind not in swedish.TEXTS:
        return item.message, item.mend
    facts: Mapping[str, object] = {
        key: swedish.VALUES.get(str(value), value) for key, value in item.evidence.items()
    }
    if item.kind == "unreadable":
        return _unreadable_in_swedish(item)
    message, mend = swedish.TEXTS[item.kind]
    return message.format_map(facts), mend.format_map(facts)


def _unreadable_in_swedish(item: Finding) -> tuple[str, str]:
    """The reason's code has a text; where it has none, the reader's own words stay."""
    message, mend = swedish.REASONS.get(
        str(item.evidence.get("reason", "")), (item.message, item.mend)
    )
    element = item.evidence.get("element", "")
    return (f"{message} vid {element}" if element and message != item.message else message), mend


def _cell(value: str | int | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
