"""JSON and CSV forms of a computed statistic. Pure."""

import csv
import io
import math
from collections.abc import Iterator

from tessera.domain.statistics.computed import Computed, Similar
from tessera.domain.statistics.models import Model, Term
from tessera.domain.statistics.survival import Curve, Survival, Tested
from tessera.domain.statistics.tables import Histogram, Table

_LINES = ("part", "name", "measure", "value", "low", "high")


def computed_to_json(found: Computed) -> dict[str, object]:
    """Return the numbers; what is not known is null."""
    match found:
        case Table():
            return _table(found)
        case Histogram():
            return {
                "bands": _table(found.bands),
                "mean": _number(found.mean),
                "mean_low": _number(found.mean_low),
                "mean_high": _number(found.mean_high),
                "quantiles": [
                    {"share": one.share, "low": one.low, "high": one.high}
                    for one in found.quantiles
                ],
            }
        case Survival():
            return {
                "curves": [_curve(one) for one in found.curves],
                "log_rank": _test(found.log_rank),
            }
        case Similar():
            return {
                "treatments": _table(found.treatments),
                "together": computed_to_json(found.together),
                "by_treatment": computed_to_json(found.by_treatment),
            }
    return _model(found)


def computed_to_csv(found: Computed) -> str:
    """Return one number a line, with its interval: part, name, measure, value, low, high."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(_LINES)
    for line in _lines(found):
        lines.writerow(["" if one is None else one for one in line])
    return written.getvalue()


_Line = tuple[str, str, str, object, object, object]


def _lines(found: Computed, part: str = "") -> Iterator[_Line]:
    match found:
        case Table():
            for cell in found.cells:
                name = ",".join(cell.group)
                yield part or "table", name, "n_subjects", cell.n_subjects, cell.low, cell.high
            yield from _test_lines("chi_squared", found.test)
        case Histogram():
            yield from _lines(found.bands, "bands")
            yield "", "", "mean", found.mean, found.mean_low, found.mean_high
            for one in found.quantiles:
                yield "", f"{one.share:g}", "quantile", None, one.low, one.high
        case Survival():
            for curve in found.curves:
                for point in curve.points:
                    name = f"{curve.group or 'all'}@{point.time:g}"
                    low, high = _number(point.low), _number(point.high)
                    yield part or "survival", name, "survival", _number(point.survival), low, high
                    yield part or "survival", name, "at_risk", _number(point.at_risk), None, None
                    yield part or "survival", name, "events", _number(point.events), None, None
            yield from _test_lines("log_rank", found.log_rank)
        case Similar():
            yield from _lines(found.treatments, "treatments")
            yield from _lines(found.together, "together")
            yield from _lines(found.by_treatment, "by_treatment")
        case Model():
            for term in found.terms:
                low, high = _number(term.low), _number(term.high)
                yield "model", _named(term), "estimate", _number(term.estimate), low, high
                yield "model", _named(term), "p", _number(term.p), None, None


def _test_lines(name: str, test: Tested | None) -> Iterator[_Line]:
    if test is not None:
        yield "test", name, "chi_squared", _number(test.chi_squared), None, None
        yield "test", name, "p", _number(test.p), _number(test.p_low), _number(test.p_high)


def _named(term: Term) -> str:
    return f"{term.field} {term.value}".strip() or "intercept"


def _table(found: Table) -> dict[str, object]:
    return {
        "fields": list(found.fields),
        "cells": [
            {
                "group": list(cell.group),
                "n_subjects": cell.n_subjects,
                "n_datasets": cell.n_datasets,
                "low": cell.low,
                "high": cell.high,
            }
            for cell in found.cells
        ],
        "n_datasets": found.n_datasets,
        "test": _test(found.test),
        "least_expected": _number(found.least_expected),
    }


def _curve(found: Curve) -> dict[str, object]:
    return {
        "group": found.group,
        "points": [
            {
                "time": point.time,
                "survival": _number(point.survival),
                "low": _number(point.low),
                "high": _number(point.high),
                "at_risk": _number(point.at_risk),
                "events": _number(point.events),
            }
            for point in found.points
        ],
        "median": found.median and list(found.median),
    }


def _test(found: Tested | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "chi_squared": _number(found.chi_squared),
        "df": found.df,
        "p": _number(found.p),
        "p_low": _number(found.p_low),
        "p_high": _number(found.p_high),
    }


def _model(found: Model) -> dict[str, object]:
    return {
        "terms": [
            {
                "field": one.field,
                "value": one.value,
                "estimate": _number(one.estimate),
                "low": _number(one.low),
                "high": _number(one.high),
                "error": _number(one.error),
                "noise": _number(one.noise),
                "p": _number(one.p),
            }
            for one in found.terms
        ],
        "references": [{"field": field, "value": value} for field, value in found.references],
        "n_subjects": _number(found.n_subjects),
        "n_events": _number(found.n_events),
        "lacking": found.lacking,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 9)
