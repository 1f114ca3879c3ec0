"""The result of an evaluation as JSON and as one HTML file: no script, no network."""

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report.evaluation_words import MENDS, WORDS
from tessera.domain.errors import InvalidInput
from tessera.domain.evaluation.key import GROUP_OF, GROUPS
from tessera.domain.evaluation.scores import Scores, Tally, View

_SHOWN = 500


def write_identified(path: Path, text: str) -> None:
    """Write a file that names people: readable by its owner only. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(text)


def as_json(scores: Scores, *, is_midi_b: bool, seconds: float) -> dict[str, Any]:
    """Return everything; `failures` and `not_written` are identified."""
    return {
        "key": "midi-b" if is_midi_b else "tessera",
        "seconds": round(seconds, 3),
        "all": _view(scores.all),
        "written": _view(scores.written),
        "n_not_written": len(scores.not_written),
        "n_foreign": scores.n_foreign,
        "n_unreadable": scores.n_unreadable,
        "n_failures": scores.n_failures,
        "failures": {
            "not_written": scores.not_written,
            "checks": [
                {
                    "group": GROUP_OF[one.verdict.check.action],
                    "action": one.verdict.check.action,
                    "reason": one.verdict.reason,
                    "tag": one.verdict.check.tag,
                    "place": one.verdict.check.place,
                    "language": one.verdict.check.language,
                    "category": one.verdict.check.category,
                    "value": one.verdict.check.value,
                    "found": one.verdict.found,
                    "sop_instance_uid": one.sop_instance_uid,
                    "output": one.output,
                }
                for one in scores.worst(len(scores.failures))
            ],
        },
    }


def _view(view: View) -> dict[str, Any]:
    return {
        "instances": view.n_instances,
        "headline": view.headline,
        **{name: view.group(name) for name in GROUPS},
        "overall": view.overall,
        "midi_b": view.midi_b,
        "midi_b_series": view.midi_b_series,
        "clinical_text_kept": view.clinical_percent,
        "instances_with_any_leak": view.n_leaky,
        "instances_with_identity": view.n_with_identity,
        "not_judged": view.n_not_judged,
        **{
            name: {key: _tally(tally) for key, tally in sorted(tallies.items())}
            for name, tallies in (
                ("actions", view.actions),
                ("series", view.series),
                ("languages", view.languages),
                ("places", view.places),
                ("categories", view.categories),
            )
        },
    }


def _tally(tally: Tally) -> dict[str, float | int | None]:
    return {
        "passed": tally.n_passed,
        "checks": tally.n_checks,
        "not_judged": tally.n_not_judged,
        "percent": tally.percent,
    }


def render_html(scores: Scores, *, title: str, is_midi_b: bool, language: str) -> str:
    """Return the report as a complete HTML document. Raises InvalidInput for a language."""
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment.get_template("evaluation.html").render(
        title=title,
        language=language,
        words=WORDS[language],
        mends=MENDS[language],
        scores=scores,
        views=(scores.all, scores.written),
        groups=GROUPS,
        is_midi_b=is_midi_b,
        failures=scores.worst(_SHOWN),
        breakdowns=[
            (name, sorted(tallies.items()))
            for name, tallies in (
                ("language", scores.all.languages),
                ("place", scores.all.places),
                ("category", scores.all.categories),
            )
            if tallies
        ],
    )


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    return "100" if value == 100 else f"{int(value * 100) / 100:.2f}"
