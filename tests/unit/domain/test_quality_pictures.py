"""Figures of pictures, what is alike, and the checks that look at them."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from tessera.domain.ids import InstanceUid, Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.alike import SAME_AT_LEAST, alike, sameness
from tessera.domain.quality.inputs import AlikePair, CheckInput
from tessera.domain.quality.near_copies import candidates
from tessera.domain.quality.picture import Picture, figures
from tessera.domain.quality.report import run_checks
from tessera.domain.quality.selection import chosen_checks
from tests.unit.domain.quality_rows import row

Plane = npt.NDArray[np.float32]
SIDE = 128


def body(seed: int, *, noise: float = 12.0, bodies: int = 9) -> Plane:
    """Return a made-up slice: an ellipse with organs at random places, and noise."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    plane = 300.0 * (np.hypot((down - 64) / 46, (across - 64) / 54) < 1)
    for _ in range(bodies):
        at, wide = rng.uniform(35, 93, 2), rng.uniform(4, 15)
        plane += rng.uniform(-120, 250) * (np.hypot(down - at[0], across - at[1]) < wide)
    return (plane + rng.normal(0, noise, plane.shape)).astype(np.float32)


def look(plane: Plane, uid: str = "1", modality: str = "MR") -> Picture:
    return figures(plane, instance_uid=uid, modality=modality)


def variants(plane: Plane) -> dict[str, npt.NDArray[np.generic]]:
    low, high = np.percentile(plane, (0.5, 99.5))
    eight = (np.clip((plane - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(eight).save(stream, "JPEG", quality=90)
    return {
        "another scale": plane * 3 + 1000,
        "lossy": np.asarray(Image.open(stream)),
        "window": np.clip(plane, 100, 420),
        "rows cut off above": plane[4:],
        "rows cut off below": plane[:-5],
        "columns cut off": plane[:, 3:],
    }


def test_another_form_of_a_picture_is_found_and_another_person_is_not() -> None:
    one = body(1)
    for name, other in variants(one).items():
        (pair,) = alike([look(one), look(np.asarray(other, np.float32))], [0, 1])
        assert pair[:2] == (0, 1), name
        assert sameness(one, other) > SAME_AT_LEAST, name
    for seed in range(2, 12):
        assert sameness(one, body(seed)) < 0.4
    again = body(1) + np.random.default_rng(99).normal(0, 17, (SIDE, SIDE))
    assert sameness(
        body(1, noise=0.1) + np.random.default_rng(5).normal(0, 12, one.shape), again
    ) < (SAME_AT_LEAST)


def test_pictures_of_one_group_are_not_compared_nor_constant_ones() -> None:
    one = look(body(1))
    assert list(alike([one, one], [0, 0])) == []
    flat = look(np.zeros((64, 64), np.float32))
    assert flat.is_constant
    assert list(alike([flat, flat], [0, 1])) == []


def test_noise_is_measured_within_a_fifth_of_the_truth() -> None:
    for noise in (8.0, 25.0):
        assert abs(look(body(3, noise=noise)).noise / noise - 1) < 0.2


def test_a_picture_of_any_shape_has_figures() -> None:
    for shape in ((1, 1), (3, 200), (200, 3), (7, 7), (16, 16, 3)):
        rng = np.random.default_rng(4)
        one = figures(rng.normal(0, 1, shape), instance_uid="x", modality="CT")
        assert (one.rows, one.columns) == shape[:2]
    lost = figures(np.full((20, 20), np.nan), instance_uid="x", modality="PT")
    assert lost.is_constant


def rows_of(modality: str, n: int = 3) -> list[InstanceRow]:
    return [row(instance_uid=InstanceUid(f"2.25.7.{i}"), modality=modality) for i in range(n)]


def kinds(modality: str, planes: Sequence[Plane]) -> list[str]:
    rows = rows_of(modality, len(planes))
    pictures = [
        figures(p, instance_uid=r.instance_uid, modality=modality)
        for r, p in zip(rows, planes, strict=True)
    ]
    report = run_checks(CheckInput(rows=rows, pictures=pictures), chosen_checks(["Q-IMG"]))
    return [item.kind for item in report.findings]


def ct(seed: int, noise: float = 10.0) -> Plane:
    hu = body(seed, noise=0.0)
    rng = np.random.default_rng(seed)
    return (np.where(hu > 0, hu / 5, -1000) + rng.normal(0, noise, hu.shape)).astype(np.float32)


def test_sound_pictures_have_no_finding() -> None:
    assert kinds("MR", [body(n) for n in range(3)]) == []
    assert kinds("CT", [ct(n) for n in range(3)]) == []


def test_each_fault_of_a_picture_is_told() -> None:
    flat = np.zeros((SIDE, SIDE), np.float32)
    assert kinds("MR", [flat, flat]) == ["pictures-empty"]
    assert kinds("MR", [flat, body(1), body(2)]) == ["picture-empty"]
    assert kinds("CT", [ct(1, noise=90.0)] * 2) == ["noisy-ct"]
    assert kinds("MR", [body(1, noise=150.0)]) == ["noisy"]
    assert kinds("CT", [ct(1)[30:98, 20:108]]) == ["body-cut-off"]
    assert kinds("MR", [np.clip(body(1), 0, 290)]) == ["saturated"]
    pins = ct(1)
    pins[60:68, 60:68] = np.random.default_rng(1).uniform(2900, 3071, (8, 8))
    assert kinds("CT", [pins]) == ["metal"]
    ghost = body(1, bodies=2)
    ghost[:14] += 90
    ghost[-14:] += 90
    assert kinds("MR", [ghost]) == ["ghosts"]


def test_a_picture_of_two_subjects_is_an_error_that_shows_both() -> None:
    one, other = body(1), body(1)[4:]
    rows = [
        row(instance_uid=InstanceUid("2.25.7.1"), study_uid=StudyUid("2.25.1")),
        row(
            instance_uid=InstanceUid("2.25.8.1"),
            study_uid=StudyUid("2.25.9"),
            subject=Pseudonym("OTHER"),
        ),
    ]
    pictures = [look(one, "2.25.7.1"), look(other, "2.25.8.1")]
    (pair,) = candidates(rows, pictures)
    assert {pair.one, pair.other} == {"2.25.7.1", "2.25.8.1"}
    same = AlikePair(pair.one, pair.other, sameness(one, other))
    data = CheckInput(rows=rows, pictures=pictures, alike=[same])
    (told,) = run_checks(data, chosen_checks(["Q-UNI-04"])).findings
    assert (told.kind, told.severity.value) == ("near-subjects", "error")
    assert set(told.pictures) == {"2.25.7.1", "2.25.8.1"}
    apart = CheckInput(rows=rows, pictures=pictures, alike=[AlikePair(pair.one, pair.other, 0.2)])
    assert run_checks(apart, chosen_checks(["Q-UNI-04"])).findings == ()


def test_without_decoded_pictures_the_checks_say_that_they_did_not_look() -> None:
    report = run_checks(CheckInput(rows=rows_of("CT")), chosen_checks(["Q-IMG", "Q-UNI-04"]))
    assert {item.not_looked for item in report.coverage} == {"no-pictures"}
