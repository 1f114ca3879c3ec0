"""The evaluation's own judgement: texts, keys, byte search, digests, scores."""

import json

import numpy as np
import pytest

from tessera.domain.errors import InvalidInput
from tessera.domain.evaluation.byte_search import ByteSearch
from tessera.domain.evaluation.judge import Interval, judge_interval
from tessera.domain.evaluation.key import Box, Check, parse_key, parse_mapping, parse_midi_b
from tessera.domain.evaluation.pixel_digest import MARGIN, digest_box, digest_outside
from tessera.domain.evaluation.scores import Scores
from tessera.domain.evaluation.texts import any_left, share_present
from tessera.domain.evaluation.verdict import Judged, Outcome, failed, passed


@pytest.mark.parametrize(
    ("identity", "text", "left"),
    [
        ("Anna Ek", "liver of Anna", True),
        ("Anna Ek", "liver Ek", True),
        ("Anna Ek", "liver ekg", False),
        ("12 Main Street", "dose 12", False),
        ("12 Main Street", "Mainz", True),
        ("the Hague", "the liver", False),
        ("12.0", "12", True),
    ],
)
def test_an_identity_is_left_when_a_word_of_it_is(identity: str, text: str, left: bool) -> None:
    assert any_left(identity, text) is left


def test_words_the_key_wants_kept_are_no_identity_there() -> None:
    assert any_left("Hodgkin^Mary", "Hodgkin lymphoma")
    assert not any_left("Hodgkin^Mary", "Hodgkin lymphoma", frozenset(["hodgkin"]))


@pytest.mark.parametrize(
    ("wanted", "text", "share"),
    [
        ("T1 axial", "axial T1", 1.0),
        ("T1 axial", "axial", 0.5),
        ("12.0", "12", 1.0),
        ("12", "13", 0.0),
    ],
)
def test_the_share_of_words_kept(wanted: str, text: str, share: float) -> None:
    assert share_present(wanted, text) == share


@pytest.mark.parametrize(
    "data",
    [
        "xx SÖDERBERG yy".encode("latin-1"),
        b"Soderberg",
        "Söderberg".encode("utf-16-le"),
        b"Anna_Soderberg",
        b"id 198012125678 end",
        b"19801212",
        "山田".encode("iso2022_jp"),
        "山田".encode(),
    ],
)
def test_an_identity_is_found_in_its_spellings_and_encodings(data: bytes) -> None:
    search = ByteSearch(
        [
            ("name", "Söderberg^Anna"),
            ("id", "19801212-5678"),
            ("birth_date", "19801212"),
            ("name", "山田^太郎"),
        ]
    )
    assert search.find(b"before " + data + b" after")


@pytest.mark.parametrize("data", [b"hannah", b"119801212567899", b"liver", b"annatto"])
def test_what_only_resembles_an_identity_is_not_found(data: bytes) -> None:
    assert not ByteSearch([("name", "Ek^Anna"), ("id", "19801212-5678")]).find(data)


def test_short_forms_do_not_count_in_pixels() -> None:
    search = ByteSearch([("name", "Ekman^Anna")])
    assert search.find(b"...anna...")
    assert not search.find(b"...anna...", (0, 10))
    assert search.find(b"..anna ekman...", (0, 15))


def test_a_digest_sees_a_change_outside_the_boxes_only() -> None:
    pixels = np.arange(100 * 100, dtype=np.uint16).reshape(100, 100)
    box = Box(0, 20, 20, 10, 10, "ANNA")
    base = digest_outside(pixels, [box], 16)
    blanked = pixels.copy()
    blanked[20 - MARGIN : 30 + MARGIN, 20 - MARGIN : 30 + MARGIN] = 0
    assert digest_outside(blanked, [box], 16) == base
    assert digest_box(blanked, box, 16) != digest_box(pixels, box, 16)
    blanked[90, 90] += 1
    assert digest_outside(blanked, [box], 16) != base
    harmless = Box(0, 20, 20, 10, 10, "L CC", harmless=True)
    assert digest_outside(pixels, [harmless], 16) == digest_outside(pixels, [], 16)


@pytest.mark.parametrize(
    ("other", "outcome"), [("20200102", "passed"), ("20200103", "failed"), ("", "failed")]
)
def test_an_interval_is_kept_to_the_second(other: str, outcome: str) -> None:
    check = Check("interval_kept", "<(0008,0020)>", "<(0008,0022)>||86400")
    values = {"<(0008,0020)>": "20200101", "<(0008,0022)>": other}
    assert judge_interval(check, values, values).outcome == outcome
    assert Interval.parse("nonsense") is None


def test_a_key_that_is_wrong_is_refused_with_its_line() -> None:
    good = json.dumps({"tessera_answer_key": 1})
    with pytest.raises(InvalidInput, match="line 1"):
        parse_key(["{}"])
    with pytest.raises(InvalidInput, match="line 2") as caught:
        parse_key([good, '{"patient_id": "19801212-5678"}'])
    assert "19801212" not in str(caught.value)
    with pytest.raises(InvalidInput, match="no instance"):
        parse_key([good])
    with pytest.raises(InvalidInput, match="id_old"):
        parse_mapping([{"a": "b"}], "uids.csv")


def test_midi_b_rows_of_a_series_hold_for_each_of_its_instances() -> None:
    check = {"tag_ds": "<(0008,103e)>", "action": "<text_removed>", "action_text": "<ANNA>"}
    row = {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.2", "PatientID": "P"}
    entries = parse_midi_b(
        [
            {**row, "SOPInstanceUID": "1.3", "scope": "<Instance>", "AnswerData": "{}"},
            {**row, "SOPInstanceUID": "1.4", "scope": "<Instance>", "AnswerData": "{}"},
            {
                **row,
                "SOPInstanceUID": "",
                "scope": "<Series>",
                "AnswerData": json.dumps({"0": check}),
            },
        ]
    )
    assert [e.sop_instance_uid for e in entries] == ["1.3", "1.4"]
    assert all(e.checks == (Check("text_removed", "<(0008,103E)>", "ANNA"),) for e in entries)


def test_what_is_not_written_counts_in_one_view_only_and_the_worst_of_a_series_counts() -> None:
    kept, gone = Check("tag_retained", "A", ""), Check("text_removed", "B", "x")
    scores = Scores()
    scores.add_series(
        [
            Judged("1", "s", "a.dcm", (passed(kept), passed(gone))),
            Judged("2", "s", "b.dcm", (passed(kept), failed(gone, "still-there"))),
            Judged("3", "s", "", (failed(kept, "not-written"), passed(gone))),
        ],
        frozenset(),
    )
    assert scores.all.group("utility") == pytest.approx(200 / 3)
    assert scores.written.group("utility") == 100
    assert scores.written.series["text_removed"].n_passed == 0
    assert scores.all.n_leaky == 1 and scores.not_written == ["3"]
    assert scores.all.headline is None, "integrity was not judged: that is not 100"
    assert [one.verdict.outcome for one in scores.failures] == [Outcome.FAILED]
