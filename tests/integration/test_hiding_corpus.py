"""The torture corpus: an oracle that reads its key scores full marks, untouched input none."""

import shutil
from pathlib import Path

import pytest

from tessera.adapters.evaluation.keys import read_mapping
from tessera.bootstrap.deid_evaluate import evaluate
from tessera.domain.evaluation.key import ACTIONS
from tessera.domain.evaluation.scores import Scores
from tessera.phantom.hiding import generate_hiding_places
from tests.hiding_oracle import clean_all, read_key, write_mapping

pytest.importorskip("gdcm")  # lossless JPEG is decoded by an optional package

HEADER_ACTIONS = tuple(action for action in ACTIONS if action != "pixels_hidden")
"""Reading pixels takes the OCR engine; `test_deid_evaluate` and the corpus run do that."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hiding")
    generate_hiding_places(folder, n_patients=6, seed=3)
    return folder


def scored(out: Path, corpus: Path, mapping: Path, only: tuple[str, ...]) -> Scores:
    tool = read_mapping(mapping / "uids.csv", mapping / "patients.csv")
    scores, _ = evaluate(out, corpus / "key.jsonl", tool, only=only, workers=1)
    return scores


def test_an_oracle_that_reads_the_key_scores_full_marks(corpus: Path, tmp_path: Path) -> None:
    clean_all(corpus, tmp_path / "out", tmp_path / "mapping")
    scores = scored(tmp_path / "out", corpus, tmp_path / "mapping", HEADER_ACTIONS)
    assert not scores.not_written
    assert not [
        (v.check.action, v.check.tag, v.check.place, v.check.value, v.found, v.reason)
        for v in (failure.verdict for failure in scores.worst(200))
    ]
    assert scores.all.overall == 100


def test_the_untouched_input_has_no_privacy_and_full_utility(corpus: Path, tmp_path: Path) -> None:
    rows = read_key(corpus / "key.jsonl")
    uids = {
        value: value
        for row in rows
        for check in row["checks"]
        if check["action"] in ("uid_consistent", "reference_resolves")
        for value in (check["value"],)
    }
    uids |= {row["sop_instance_uid"]: row["sop_instance_uid"] for row in rows}
    write_mapping(
        tmp_path / "mapping", uids, {row["patient_id"]: row["patient_id"] for row in rows}
    )
    shutil.copytree(corpus / "images", tmp_path / "out")
    scores = scored(tmp_path / "out", corpus, tmp_path / "mapping", HEADER_ACTIONS)
    privacy = scores.all.group("privacy")
    utility = scores.all.group("utility")
    assert privacy is not None
    assert privacy < 1
    assert utility == 100
    assert scores.all.n_leaky == len(rows)
