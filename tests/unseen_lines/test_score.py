"""The scorer counts what it should, and nobody of the header is ever left in an unseen line."""

from pathlib import Path

import pytest

from tests.unseen_lines.score import HERE, lines_of, score

LANGUAGES = sorted(path.stem for path in HERE.glob("*.tsv"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_of_the_header_is_left(language: str) -> None:
    figures = score(HERE / f"{language}.tsv")

    removed, every = figures["by_kind"]["header name"]
    assert removed == every
    assert every >= 2


def test_marks_are_taken_apart_and_every_part_left_is_a_leak(tmp_path: Path) -> None:
    path = tmp_path / "xx.tsv"
    path.write_text(
        "# doctor: Lindqvist^Anna\n# patient: Ek^Ida\n"
        "reason\tCT thorax, ref {{name:Dr Lindqvist}} {{date:2021-03-04}}\n"
        "reason\tliver {{name:Thorax Abdomen}} lesion\n",
        "utf-8",
    )

    people, lines = lines_of(path)
    figures = score(path)

    assert people == {"doctor": "Lindqvist^Anna", "patient": "Ek^Ida"}
    assert lines[0].text == "CT thorax, ref Dr Lindqvist 2021-03-04"
    assert lines[0].clinical == ("ct", "thorax", "ref")
    assert figures["by_kind"] == {"date": [1, 1], "header name": [1, 1], "name": [0, 1]}
    assert figures["leaks"][0]["left"] == ["thorax", "abdomen"]
    assert figures["clinical_kept"] == 100.0
