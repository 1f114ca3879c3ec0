"""Checks of headers: each planted fault is found by its kind, and sound series are left alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tessera.domain.imaging.encoding import FileMeta
from tessera.domain.imaging.header import Header
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.facts import Facts, TracerFacts, facts_of, seconds_of_day
from tessera.domain.quality.finding import Finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.regions import are_apart, regions_of, side_of
from tessera.domain.quality.report import run_checks
from tessera.domain.quality.selection import chosen_checks
from tests.unit.domain.quality_rows import row, stack

PLACES = [0.0, 3.0, 6.0, 9.0]


def found(
    rows: Sequence[InstanceRow], facts: Facts | dict[str, Facts] | None = None
) -> list[Finding]:
    known = facts if isinstance(facts, dict) else {r.instance_uid: facts or Facts() for r in rows}
    data = CheckInput(rows=rows, facts=known, checked_on=date(2026, 11, 1))
    return list(run_checks(data, chosen_checks(["Q-GEO", "Q-SER", "Q-HDR"])).findings)


def kinds(rows: Sequence[InstanceRow], facts: Facts | dict[str, Facts] | None = None) -> list[str]:
    return [item.kind for item in found(rows, facts)]


@pytest.mark.parametrize(
    ("values", "facts", "kind"),
    [
        ({"age_years": 161.0}, {}, "value-impossible"),
        ({"spacing_mm": (0.0, 0.7)}, {}, "value-impossible"),
        ({"spacing_mm": (70.0, 70.0)}, {}, "value-unlikely"),
        ({"slice_thickness_mm": -3.0}, {}, "value-impossible"),
        ({}, {"kvp": 1.2}, "value-unlikely"),
        ({"modality": "MR", "b_value": -5.0}, {}, "value-impossible"),
        ({"modality": "MR"}, {"echo_ms": 90.0, "repetition_ms": 5.0}, "value-unlikely"),
        ({}, {"weight_kg": 70_000.0}, "value-unlikely"),
        ({}, {"height_m": 172.0}, "value-unlikely"),
        ({}, {"height_m": 1.8, "weight_kg": 6.5}, "value-unlikely"),
        ({"study_date": date(2031, 1, 1), "acquisition_date": None}, {}, "date-future"),
        ({}, {"birth_date": date(2021, 1, 1)}, "date-before-birth"),
        ({}, {"birth_date": date(1990, 1, 1)}, "age-not-from-dates"),
        ({"acquisition_date": date(2012, 5, 1)}, {}, "acquired-apart"),
        ({"body_part": "PROSTATE"}, {"series_description": "CT Thorax 1.0"}, "body-part-disagrees"),
        ({"body_part": "BRAIN"}, {"protocol": "Buk och bäcken"}, "body-part-disagrees"),
        ({"laterality": "L"}, {"series_description": "KNEE RIGHT"}, "laterality-disagrees"),
        ({"modality": "MG", "body_part": "BREAST"}, {}, "laterality-absent"),
    ],
)
def test_a_planted_value_is_found(values: dict[str, Any], facts: dict[str, Any], kind: str) -> None:
    assert kinds([row(**values)], Facts(**facts)) == [kind]


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({}, {"kvp": 0.0, "weight_kg": 0.0, "height_m": 0.0}),
        ({"modality": "MR"}, {"echo_ms": 90.0, "repetition_ms": 4000.0}),
        ({"age_years": 1.0}, {"height_m": 0.75, "weight_kg": 5.5}),
        ({"body_part": "ABDOMEN"}, {"series_description": "Prostata T2"}),
        ({"body_part": "WHOLEBODY"}, {"series_description": "Thorax"}),
        ({"laterality": "R"}, {"series_description": "R MLO"}),
        ({}, {"birth_date": date(1958, 11, 1)}),
        (
            {"image_type": "ORIGINAL\\PRIMARY\\LOCALIZER", "slice_thickness_mm": 560.0},
            {"series_description": "SCOUT"},
        ),
    ],
)
def test_what_may_be_is_left_alone(values: dict[str, Any], facts: dict[str, Any]) -> None:
    assert kinds([row(**values)], Facts(**facts)) == []


def test_one_person_has_one_sex_one_birth_date_and_one_age_at_a_time() -> None:
    rows = stack([0.0], sex="M", study_uid="2.25.5") + stack(
        [0.0], uid="2.25.11", sex="F", age_years=40.0, study_uid="2.25.6"
    )
    facts = {
        rows[0].instance_uid: Facts(birth_date=date(1959, 1, 1)),
        rows[1].instance_uid: Facts(birth_date=date(1980, 1, 1)),
    }
    assert kinds(rows, facts) == ["header-sexes", "header-births", "header-ages"]


def test_pet_that_lacks_an_input_of_suv_names_it_and_one_with_all_is_sound() -> None:
    tracer = TracerFacts(dose_bq=3.5e8, half_life_s=6586.2, has_start=True)
    sound = Facts(
        units="BQML", decay_correction="START", acquisition_s=1.0, weight_kg=70.0, tracer=tracer
    )
    slices = stack(PLACES, modality="PT")
    assert kinds(slices, sound) == []
    (lacking,) = found(slices, replace(sound, weight_kg=None, acquisition_s=None))
    assert lacking.evidence["attribute"] == "PatientWeight, AcquisitionTime"
    small = replace(sound, tracer=replace(tracer, dose_bq=350.0))
    assert kinds(slices, small) == ["suv-dose"]


def phases(*numbers: int) -> list[InstanceRow]:
    return [
        replace(item, temporal_position=number, instance_number=100 * number + index)
        for number in numbers
        for index, item in enumerate(
            stack(PLACES, first=100 * number, uid="2.25.30", modality="MR")
        )
    ]


def test_dynamic_series_want_three_phases_none_missing_at_even_times() -> None:
    named = Facts(series_description="t1_vibe_dyn")
    assert kinds(phases(1, 2, 3), named) == []
    assert kinds(phases(1, 2), named) == ["phases-few"]
    (gap,) = found(phases(1, 2, 4, 5), named)
    assert (gap.kind, gap.evidence["phases"]) == ("phases-missing", "3")
    stated = replace(named, n_phases=6)
    assert kinds(phases(1, 2, 3, 4, 5), stated) == ["phases-missing"]
    rows = phases(1, 2, 3, 4)
    times = {1: 0.0, 2: 10.0, 3: 20.0, 4: 60.0}
    uneven = {
        r.instance_uid: replace(named, acquisition_s=times[r.temporal_position or 0]) for r in rows
    }
    assert kinds(rows, uneven) == ["phases-uneven"]


def test_phases_that_are_a_series_each_are_counted_together() -> None:
    facts = Facts(series_description="tfl_dyn_fast_tra")
    three = [r for n in range(3) for r in stack(PLACES, uid=f"2.25.4{n}", modality="MR")]
    assert kinds(three, facts) == []
    assert kinds(three[:4], facts) == ["phases-few"]


def diffusion(*b_values: float | None) -> list[InstanceRow]:
    return [
        replace(item, b_value=b)
        for number, b in enumerate(b_values)
        for item in stack(PLACES, first=10 * number + 1, uid="2.25.50", modality="MR")
    ]


def test_diffusion_series_state_every_b_value_that_their_name_promises() -> None:
    named = Facts(series_description="ep2d_diff_b0_b400_b800")
    assert kinds(diffusion(0.0, 400.0, 800.0), named) == []
    (lost,) = found(diffusion(0.0, 800.0), named)
    assert (lost.kind, lost.evidence["lost"]) == ("b-missing", "400")
    assert "b-unstated" in kinds(diffusion(None), Facts(series_description="dwi tra"))
    assert "b-partly" in kinds(diffusion(0.0, None), Facts(series_description="dwi tra"))
    private = Facts(series_description="dwi", private_b_value=50.0, private_b_tag="(0019,100C)")
    assert kinds(stack(PLACES, modality="MR"), private) == ["b-private"]


def test_a_map_of_diffusion_needs_its_source_in_the_study() -> None:
    maps = stack(PLACES, uid="2.25.60", modality="MR")
    source = diffusion(0.0, 800.0)
    facts = {r.instance_uid: Facts(series_description="ADC (10^-6)") for r in maps}
    assert kinds(maps, facts) == ["adc-without-dwi"]
    facts |= {r.instance_uid: Facts(series_description="ep2d_diff") for r in source}
    assert kinds([*maps, *source], facts) == []


def test_a_kernel_or_a_field_map_is_no_b_value() -> None:
    ct = stack(PLACES, modality="MR", b_value=None)
    assert kinds(ct, Facts(series_description="Portal venous 5.0 B40f")) == []
    assert kinds(ct, Facts(series_description="B1 map")) == []


def test_a_leaning_stack_and_a_lost_tilt_are_told() -> None:
    lean = [
        replace(item, position_mm=(0.0, 0.3 * index, 3.0 * index))
        for index, item in enumerate(stack(PLACES))
    ]
    (sheared,) = found(lean)
    assert (sheared.kind, sheared.evidence["angle_degrees"]) == ("slices-sheared", 5.71)
    assert kinds(stack(PLACES), Facts(tilt_degrees=12.0)) == ["tilt-not-in-orientation"]


def test_thickness_and_stated_spacing_are_held_against_the_places() -> None:
    assert kinds(stack(PLACES), Facts(slice_step_mm=3.0)) == []
    (half,) = found(stack(PLACES), Facts(slice_step_mm=1.5))
    assert half.kind == "spacing-disagrees"
    assert half.slices_mm == (0.0, 3.0, 6.0, 9.0)
    assert kinds(stack(PLACES, slice_thickness_mm=1.0)) == ["thickness-gap"]
    assert kinds(stack(PLACES, slice_thickness_mm=20.0)) == ["thickness-overlap"]


def test_words_of_many_languages_name_regions_and_sides() -> None:
    assert regions_of("RM PRÓSTATA") == {"pelvis"}
    assert regions_of("Hjärna utan kontrast") == {"head"}
    assert regions_of("ΘΩΡΑΚΑΣ") == {"chest"}
    assert regions_of("t2_tse_sag") == frozenset()
    assert are_apart(frozenset({"head"}), frozenset({"pelvis"}))
    assert not are_apart(frozenset({"chest"}), frozenset({"abdomen"}))
    assert (side_of("Mamma vänster"), side_of("L CC"), side_of("left and right")) == ("L", "L", "")


def test_facts_are_read_from_the_vendors_elements() -> None:
    meta = FileMeta("1.2.840.10008.1.2.1", "", "", 0)
    siemens = {0x00190010: b"SIEMENS MR HEADER ", 0x0019100C: b"800 "}
    assert facts_of(Header(siemens), meta).private_b_value == 800
    ge = {0x00430010: b"GEMS_PARM_01", 0x00431039: b"1000000400\\8\\0\\0"}
    assert facts_of(Header(ge), meta).private_b_value == 400
    other = {0x0019100C: b"800 "}
    assert facts_of(Header(other), meta).private_b_value is None
    assert seconds_of_day("101530.5") == 36930.5
    assert seconds_of_day("abc") is None
