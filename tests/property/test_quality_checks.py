"""Checks hold for any rows: they never fail, never count wrong, and do not depend on order."""

import json
import math
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.adapters.report import render_html
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.facts import Facts
from tessera.domain.quality.inputs import CheckInput, Unreadable
from tessera.domain.quality.report import run_checks

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e300, math.nan, math.inf]), st.floats(-500, 500)
)
few = st.sampled_from(["", "a", "b", "2.25.1"])
whole = st.one_of(st.none(), st.integers(-2, 70000))


def rows() -> st.SearchStrategy[InstanceRow]:
    """Few identifiers, so that rows meet in series, studies and places."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "subject": few,
        "study_uid": few,
        "series_uid": few,
        "instance_uid": st.sampled_from([f"2.25.{n}" for n in range(20)]),
        "sop_class_uid": few,
        "transfer_syntax_uid": st.sampled_from(["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"]),
        "modality": st.sampled_from(["", "CT", "SEG", "SR", "{x}"]),
        "body_part": few,
        "age_years": st.one_of(st.none(), numbers),
        "image_type": st.sampled_from(["", "ORIGINAL\\PRIMARY\\LOCALIZER", "DERIVED"]),
        "instance_number": whole,
        "acquisition_number": whole,
        "rows": whole,
        "columns": whole,
        "frames": st.sampled_from([1, 1, 1, 5, -1]),
        "samples": st.sampled_from([1, 3]),
        "bits_allocated": st.sampled_from([None, 1, 8, 16]),
        "position_mm": st.one_of(st.none(), st.tuples(numbers, numbers, numbers)),
        "orientation": st.one_of(
            st.none(),
            st.just((1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
            st.tuples(*[numbers] * 6),
        ),
        "spacing_mm": st.one_of(st.none(), st.tuples(numbers, numbers)),
        "b_value": st.one_of(st.none(), numbers),
        "temporal_position": whole,
        "referenced_series_uid": few,
        "has_pixels": st.booleans(),
        "pixel_bytes": st.integers(0, 40),
        "pixel_sha256": few,
        "sha256": few,
        "path": few,
    }
    return st.builds(InstanceRow, **values)


@settings(deadline=None, max_examples=60)
@given(st.lists(rows(), max_size=20), st.one_of(st.none(), st.frozensets(few)))
def test_any_rows_make_a_report_whose_counts_hold(
    found: list[InstanceRow], subjects: frozenset[str] | None
) -> None:
    unreadable = [Unreadable("x", "damaged", "{odd}")]
    report = run_checks(CheckInput(rows=found, unreadable=unreadable, subjects=subjects))
    for item in report.coverage:
        assert 0 <= item.n_passed <= item.n_looked
        if item.n_passed < item.n_looked:
            assert any(f.check == item.check.id for f in report.findings)
    assert sum(report.counts.values()) == len(report.findings)
    body = json.loads(report.to_json(), parse_constant=lambda name: 1 / 0)
    assert len(body["findings"]) == len(report.findings)
    assert render_html(report, title="x", language="sv").endswith("</html>")


def facts() -> st.SearchStrategy[Facts]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "series_description": st.sampled_from(
            ["", "dyn", "ADC", "dwi b0_b800", "HEAD left", "{x}"]
        ),
        "birth_date": st.one_of(st.none(), st.dates()),
        "acquisition_s": st.one_of(st.none(), numbers),
        "trigger_ms": st.one_of(st.none(), numbers),
        "n_phases": whole,
        "weight_kg": st.one_of(st.none(), numbers),
        "height_m": st.one_of(st.none(), numbers),
        "slice_step_mm": st.one_of(st.none(), numbers),
        "tilt_degrees": st.one_of(st.none(), numbers),
        "private_b_value": st.one_of(st.none(), numbers),
        "units": st.sampled_from(["", "BQML"]),
    }
    return st.builds(Facts, **values)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(rows(), max_size=12),
    facts(),
    st.sampled_from(["MR", "CT", "PT", "MG"]),
    st.one_of(st.none(), st.dates()),
)
def test_any_header_makes_a_report(
    found: list[InstanceRow], known: Facts, modality: str, day: date | None
) -> None:
    images = [replace(row, modality=modality, study_date=day) for row in found]
    data = CheckInput(
        rows=images,
        facts={row.instance_uid: known for row in images},
        checked_on=date(2026, 1, 1),
    )
    report = run_checks(data)
    json.loads(report.to_json(), parse_constant=lambda name: 1 / 0)
    for item in report.coverage:
        assert 0 <= item.n_passed <= item.n_looked


@settings(deadline=None, max_examples=30)
@given(st.data(), st.lists(rows(), max_size=20, unique_by=lambda row: row.instance_uid))
def test_the_order_of_rows_changes_no_count(data: st.DataObject, found: list[InstanceRow]) -> None:
    other = data.draw(st.permutations(found))
    one, two = (run_checks(CheckInput(rows=rows)) for rows in (found, other))
    assert one.counts == two.counts
    assert [(c.n_looked, c.n_passed) for c in one.coverage] == [
        (c.n_looked, c.n_passed) for c in two.coverage
    ]
