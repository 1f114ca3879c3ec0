"""The second corpus: the same for the same seed, readable, and its key contradicts nothing."""

import json
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread

from tessera.adapters.evaluation.keys import read_entries
from tests.second_corpus.generate import generate

_COUNTRIES = {"en", "sv", "de", "es", "el", "ja"}


def _contents(folder: Path) -> dict[str, bytes]:
    files = (one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): one.read_bytes() for one in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("second")
    generate(folder, seed=3, patients=3)
    return folder


def test_the_same_seed_writes_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    generate(tmp_path, seed=3, patients=3)
    assert _contents(tmp_path) == _contents(corpus)


def test_another_seed_writes_other_files(corpus: Path, tmp_path: Path) -> None:
    generate(tmp_path, seed=4, patients=1)
    assert not set(_contents(tmp_path)) & (set(_contents(corpus)) - {"key.jsonl"})


def test_every_file_is_read_with_its_pixels_and_its_key(corpus: Path) -> None:
    entries, is_midi_b = read_entries(corpus / "key.jsonl")
    lines = (corpus / "key.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines][1:]
    assert not is_midi_b
    assert len(entries) == len(rows) == len(_contents(corpus)) - 1
    for row in rows:
        ds = dcmread(corpus / row["path"])
        assert ds.SOPInstanceUID == row["sop_instance_uid"]
        if "PixelData" in ds:
            assert ds.pixel_array.size
    actions = Counter(check.action for entry in entries for check in entry.checks)
    assert actions["text_removed"] > 400 and actions["text_retained"] > 400


def test_the_sentences_are_many_in_each_language() -> None:
    folder = Path(__file__).parents[1] / "second_corpus" / "texts"
    assert {one.stem for one in folder.glob("*.txt")} == _COUNTRIES
    for file in folder.glob("*.txt"):
        texts, _, names = file.read_text(encoding="utf-8").partition("## descriptors\n")
        said = {line for line in texts.splitlines() if line and not line.startswith("#")}
        assert len(said) >= 70, file.stem
        assert len(set(names.splitlines())) >= 60, file.stem
