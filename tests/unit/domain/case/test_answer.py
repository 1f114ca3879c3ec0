"""What a tool says of a study is taken only when it is about that study, and of the form agreed."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tessera.domain.case.errors import InvalidCaseResult, InvalidModel
from tessera.domain.case.model import ModelCard, model_id
from tessera.domain.case.result import CaseAnswer, made_uid, read_answer
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow

STUDY = tuple(
    InstanceRow(
        subject=Pseudonym("TES-A"),
        study_uid=StudyUid("2.25.1"),
        series_uid=SeriesUid(f"2.25.1.{series}"),
        instance_uid=InstanceUid(f"2.25.1.{series}.{number}"),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        modality="MR",
        rows=4,
        columns=5,
        position_mm=(0.0, 0.0, float(number)),
        orientation=(1, 0, 0, 0, 1, 0),
        frame_of_reference_uid="2.25.7",
        has_pixels=True,
    )
    for series in (1, 2)
    for number in (1, 2, 3)
)
TOLD = {"label": "lesion", "probability": 0.5, "series_uid": "2.25.1.1"}


def segments(**changed: Any) -> bytes:
    arrays: dict[str, Any] = {
        "uids": np.array(["2.25.1.1.3", "2.25.1.1.1"]),
        "masks": np.ones((2, 4, 5), dtype=bool),
        "series_uid": np.array("2.25.1.1"),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **{k: v for k, v in (arrays | changed).items() if v is not None})
    return out.getvalue()


def answered(told: dict[str, Any] | None = None, npz: bytes | None = None) -> CaseAnswer:
    outputs = {"case.json": json.dumps(TOLD | (told or {})).encode()}
    return read_answer(outputs | ({"segments.npz": npz} if npz else {}), STUDY)


def test_an_answer_keeps_the_order_of_its_masks() -> None:
    answer = answered(npz=segments())
    assert [row.instance_uid for row in answer.series] == ["2.25.1.1.3", "2.25.1.1.1"]
    assert answer.is_marked and answer.mask is not None and answer.mask.shape == (2, 4, 5)
    assert answered().mask is None and len(answered().series) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"uids": np.array(["2.25.1.1.3", "2.25.9"])},
        {"uids": np.array(["2.25.1.1.3", "2.25.1.2.1"])},
        {"uids": np.array(["2.25.1.1.3", "2.25.1.1.3"])},
        {"uids": np.array(["2.25.1.1.3"])},
        {"uids": np.array([1, 2])},
        {"uids": np.array([], dtype="U10"), "masks": np.ones((0, 4, 5), dtype=bool)},
        {"uids": None},
        {"masks": np.ones((2, 5, 4), dtype=bool)},
        {"masks": np.ones((2, 4, 5), dtype=np.uint8)},
        {"masks": np.ones((8, 5), dtype=bool)},
        {"series_uid": np.array("2.25.1.2")},
        {"series_uid": np.array({"a": 1}, dtype=object)},
        {"note": np.array("Anna")},
    ],
)
def test_segments_that_do_not_fit_the_study_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidCaseResult, match=r"segments\.npz"):
        answered(npz=segments(**changed))


@pytest.mark.parametrize(
    "told",
    [
        {"label": "Anna Andersson 1912"},
        {"label": 7},
        {"probability": 1.5},
        {"probability": float("nan")},
        {"probability": True},
        {"probability": None},
        {"region_probability": "0.5"},
        {"volume_ml": -1},
        {"series_uid": "2.25.1.2"},
        {"more": "x" * 100_000},
    ],
)
def test_an_answer_of_another_form_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(InvalidCaseResult, match=r"case\.json"):
        answered(told, segments())


@pytest.mark.parametrize("outputs", [{}, {"case.json": b"["}, {"case.json": b"[]"}])
def test_no_answer_is_no_answer(outputs: dict[str, bytes]) -> None:
    with pytest.raises(InvalidCaseResult):
        read_answer(outputs, STUDY)


def test_images_without_a_place_in_space_cannot_be_marked() -> None:
    lost = tuple(replace(row, frame_of_reference_uid="") for row in STUDY)
    with pytest.raises(InvalidCaseResult, match="place in space"):
        read_answer({"case.json": json.dumps(TOLD).encode(), "segments.npz": segments()}, lost)


def test_the_same_answer_has_the_same_hash_and_another_has_not() -> None:
    first = answered(npz=segments()).content_sha256
    assert answered(npz=segments()).content_sha256 == first
    other = segments(masks=np.zeros((2, 4, 5), dtype=bool))
    assert len({first, answered(npz=other).content_sha256, answered().content_sha256}) == 3
    assert made_uid("a", "b") == made_uid("a", "b") != made_uid("ab")


def test_a_card_is_a_card_or_the_numbers_of_a_test() -> None:
    auc = {"value": 0.9, "low": 0.8, "high": 0.95}
    metrics = json.dumps({"auc": auc, "level": 0.9, "n_subjects": 20, "calibration": []}).encode()
    card = ModelCard.parse(metrics)
    assert card.external_test is not None
    assert card.external_test.told() == "AUC 0.900 (90 % interval 0.800 to 0.950, 20 subjects)"
    assert ModelCard.parse(json.dumps(card.as_json()).encode()) == card
    assert ModelCard.parse(b'{"name": "Mine"}') == ModelCard(name="Mine")


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'{"name": "a\\nb"}',
        b'{"external_test": 1}',
        b'{"auc": {"value": 0.9}}',
        b'{"auc": {"value": 0.9, "low": 0.95, "high": 1}}',
        b'{"auc": {"value": 0.9, "low": 0.8, "high": 1}, "n_subjects": "many"}',
    ],
)
def test_a_wrong_card_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidModel, match="card"):
        ModelCard.parse(text)


def test_an_id_is_hexadecimal() -> None:
    assert model_id("sha256:ABCDEF12") == "abcdef12"
    with pytest.raises(InvalidModel):
        model_id("model.npz")
