"""The tiers: what follows from verdicts, what may be signed, words in both languages."""

import json
import re
import string
import tomllib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tessera.adapters.report import swedish_tiers
from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import TABLES
from tessera.domain.errors import InvalidInput
from tessera.domain.tiers import tables as of_tables
from tessera.domain.tiers.judged import Conformance, judged, missing_for, read_signed, tier_of
from tessera.domain.tiers.label import LABEL, graded
from tessera.domain.tiers.statements import BY_ID, STATEMENTS, Verdict
from tessera.domain.tiers.texts import TEXTS
from tests.architecture.source import REPO

ALL_MET = {statement.id: Verdict.MET for statement in STATEMENTS}


def report(**verdicts: Verdict) -> Conformance:
    found = ALL_MET | {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    return Conformance(
        dataset_id="prostate-mr",
        version=2,
        manifest_sha256="ab" * 32,
        node="linkoping",
        software="tessera 1",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        judged=tuple(judged(name, verdict, "checks-passed") for name, verdict in found.items()),
        label=tuple(graded(name, 0.97, n=4711) for name in LABEL),
    )


@pytest.mark.parametrize(
    ("verdicts", "tier"),
    [
        ({}, 3),
        ({"T3_03": Verdict.NOT_MET}, 2),
        ({"T2_01": Verdict.NOT_LOOKED}, 1),
        ({"T1_09": Verdict.NOT_APPLICABLE}, 3),
        ({"T1_10": Verdict.NOT_MET, "T3_01": Verdict.NOT_MET}, 0),
        ({"T2_05": Verdict.NOT_MET, "T3_05": Verdict.NOT_MET}, 3),
    ],
)
def test_tier_is_the_highest_whose_statements_and_those_below_hold(
    verdicts: dict[str, Verdict], tier: int
) -> None:
    assert report(**verdicts).tier == tier


def test_what_was_not_looked_at_does_not_hold() -> None:
    unseen = replace(report(), judged=())
    assert unseen.tier == 0
    assert missing_for(unseen.verdicts, 1) == [s.id for s in STATEMENTS if s.tier == 1]


def test_signed_report_holds_no_number_of_the_evidence_and_reads_back() -> None:
    made = report(T2_01=Verdict.NOT_MET)
    payload = made.to_sign()
    assert b"4711" not in payload
    said = read_signed(payload)
    assert (said.tier, said.dataset_id, said.version) == (1, "prostate-mr", 2)
    assert said.statements == made.verdicts
    assert said.at == made.at


def test_signed_report_whose_tier_does_not_follow_is_refused() -> None:
    body = json.loads(report(T1_01=Verdict.NOT_MET).to_sign())
    body["tier"] = 3
    with pytest.raises(InvalidInput):
        read_signed(json.dumps(body).encode())


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"statements": {}}', b"\xff"])
def test_what_is_no_report_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_signed(payload)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_swedish_says_all_with_the_same_facts() -> None:
    assert swedish_tiers.STATEMENTS.keys() == BY_ID.keys()
    assert swedish_tiers.ELEMENTS.keys() == LABEL.keys()
    assert swedish_tiers.TEXTS.keys() == TEXTS.keys()
    for kind, (found, mend) in TEXTS.items():
        in_swedish = swedish_tiers.TEXTS[kind]
        assert (fields(found), fields(mend)) == tuple(map(fields, in_swedish)), kind
    assert swedish_tiers.WORDS["en"].keys() == swedish_tiers.WORDS["sv"].keys()


@pytest.mark.parametrize("language", ["en", "sv"])
def test_hub_says_the_statements_in_the_same_words(language: str) -> None:
    folder = REPO / "src" / "tessera" / "http" / "locales" / language
    told = tomllib.loads((folder / "conformance.toml").read_text("utf-8"))["term"]
    asked = {one.id: one.asks for one in STATEMENTS}
    assert told["statement"] == (asked if language == "en" else swedish_tiers.STATEMENTS)


def test_reference_names_every_statement_and_element() -> None:
    page = (REPO / "docs" / "reference" / "tiers.md").read_text("utf-8")
    words = set(re.findall(r"[\w-]+", page))
    assert words >= {*BY_ID, *LABEL, *(verdict.value for verdict in Verdict)}


def tables(**rows: list[dict[str, object]]) -> CdmTables:
    return CdmTables(
        {
            table.name: TableRows(
                table,
                tuple(tuple(row.get(c.name) for c in table.columns) for row in rows[table.name]),
            )
            for table in TABLES
            if table.name in rows
        }
    )


PATIENT = {"subject": "TES-A", "sex": "female", "population": "cancer"}


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ({"patient": [PATIENT]}, ()),
        ({"patient": [PATIENT, PATIENT]}, ("patient: a key occurs twice",)),
        (
            {"patient": [PATIENT | {"sex": "F"}]},
            ("patient.sex: 1 values that are no concept of sex",),
        ),
        (
            {"patient": [PATIENT], "condition": [{"condition_id": "1", "subject": "TES-B"}]},
            (
                "condition.subject: names a row of patient that is not there",
                "condition.cancer: a value that must be there is not",
            ),
        ),
    ],
)
def test_tables_against_their_definition(
    rows: dict[str, list[dict[str, object]]], wrong: tuple[str, ...]
) -> None:
    assert of_tables.problems(tables(**rows)) == wrong


def test_segment_without_annotator_is_found() -> None:
    seg = {"instance_uid": "2.25.1", "series_uid": "2.25.2", "subject": "TES-A", "n_segments": 1}
    one = {"segment_id": "2.25.1/1", "instance_uid": "2.25.1", "subject": "TES-A", "number": 1}
    said = {"label": "Tumour", "description": "Whole tumour", "algorithm_type": "MANUAL"}
    people = {"n_annotators": 2, "annotator_type": "radiologist", "years_experience": 7}
    good = of_tables.annotations(tables(segmentation=[seg | people], segment=[one | said]))
    assert good.verdict is Verdict.MET
    bad = of_tables.annotations(tables(segmentation=[seg], segment=[one | said]))
    assert bad.verdict is Verdict.NOT_MET
    assert bad.facts["what"] == "annotator_type, n_annotators, years_experience"


def test_tier_of_needs_every_statement() -> None:
    with pytest.raises(KeyError):
        tier_of({"T1-01": Verdict.MET})
