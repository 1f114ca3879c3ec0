"""The report: coverage, verdicts, JSON; and that every text is there in every language."""

import json
from string import Formatter

import pytest

from tessera.adapters.report import render_html, swedish
from tessera.adapters.report.slice_plot import slice_plot
from tessera.adapters.report.words import ENGLISH, WORDS
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import Pseudonym
from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.finding import Severity
from tessera.domain.quality.inputs import CheckInput, Unreadable
from tessera.domain.quality.registry import NOT_LOOKED
from tessera.domain.quality.report import Verdict, run_checks
from tessera.domain.quality.selection import at_least
from tessera.domain.quality.stacks import LAYER_KEYS
from tessera.domain.quality.texts import TEXTS
from tests.unit.domain.quality_rows import row, stack


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_check_ids_are_unique_and_every_kind_belongs_to_one() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids))
    assert {text.check for text in TEXTS.values()} == set(ids)


def test_every_text_exists_in_swedish_and_names_only_evidence_of_the_english_one() -> None:
    assert swedish.TEXTS.keys() == TEXTS.keys()
    assert swedish.CHECKS.keys() == {check.id for check in CHECKS}
    assert swedish.NOT_LOOKED.keys() == NOT_LOOKED.keys()
    assert {name for name, _ in LAYER_KEYS} <= swedish.VALUES.keys()
    for kind, (message, mend) in swedish.TEXTS.items():
        english = fields(TEXTS[kind].message) | fields(TEXTS[kind].mend)
        assert fields(message) | fields(mend) <= english, kind
    for words in WORDS.values():
        assert words.keys() == ENGLISH.keys()
        assert all(fields(words[key]) == fields(ENGLISH[key]) for key in words)


def test_no_finding_differs_from_not_looked_at() -> None:
    report = run_checks(CheckInput(rows=stack([1.0, 2.0, 3.0])))
    coverage = {item.check.id: item for item in report.coverage}
    assert list(coverage) == [check.id for check in CHECKS]
    assert (coverage["Q-GEO-01"].n_looked, coverage["Q-GEO-01"].not_looked) == (1, "")
    assert coverage["Q-LNK-01"].not_looked == "no-clinical-table"
    verdicts = report.statements()
    assert verdicts["T1-03"] is Verdict.MET
    assert verdicts["T1-05"] is Verdict.MET
    assert verdicts["T1-02"] is Verdict.NOT_LOOKED
    assert not report.has_errors


def test_a_statement_that_an_error_contradicts_is_not_met() -> None:
    report = run_checks(CheckInput(rows=[row(body_part="")], subjects=frozenset({"X"})))
    verdicts = report.statements()
    assert (verdicts["T1-05"], verdicts["T1-02"]) == (Verdict.NOT_MET, Verdict.NOT_MET)
    assert report.has_errors


def test_copies_contradict_that_nothing_is_there_twice_though_they_are_only_a_warning() -> None:
    report = run_checks(CheckInput(rows=[row(sha256="aa", pixel_sha256="bb")] * 2))
    assert not report.has_errors
    assert report.statements()["T1-03"] is Verdict.NOT_MET


def test_leaving_out_mild_findings_changes_no_verdict() -> None:
    report = run_checks(CheckInput(rows=[row(sha256="aa", pixel_sha256="bb")] * 2))
    errors = at_least(report, Severity.ERROR)
    assert (report.counts[Severity.WARNING], errors.findings) == (1, ())
    assert errors.statements() == report.statements()
    assert errors.coverage == report.coverage


def test_an_empty_input_meets_nothing() -> None:
    report = run_checks(CheckInput(rows=[]))
    assert set(report.statements().values()) == {Verdict.NOT_LOOKED}
    assert report.counts == dict.fromkeys(Severity, 0)


def test_json_holds_every_finding_and_is_the_same_for_rows_in_another_order() -> None:
    rows = [*stack([0.0, 1.0, 2.0, 5.0]), row(pixel_bytes=1, path="a.dcm")]
    one = run_checks(CheckInput(rows=rows)).to_json()
    assert one == run_checks(CheckInput(rows=rows[::-1])).to_json()
    body = json.loads(one)
    assert body["format"] == "tessera-quality/1"
    assert body["summary"]["error"] == sum(f["severity"] == "error" for f in body["findings"])
    assert {f["check"] for f in body["findings"]} == {"Q-INT-02", "Q-GEO-01"}
    (plotted,) = [f for f in body["findings"] if f["check"] == "Q-GEO-01"]
    assert plotted["slices_mm"] == [0.0, 1.0, 2.0, 5.0]


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_page_needs_nothing_beside_it_and_escapes_what_it_shows(language: str) -> None:
    hostile = "<script>alert(1)</script>"
    data = CheckInput(
        rows=[*stack([0.0, 1.0, 2.0, 5.0]), row(subject=Pseudonym(hostile))],
        unreadable=[Unreadable(hostile, "truncated", hostile)],
        subjects=frozenset({hostile + "x"}),
    )
    page = render_html(run_checks(data), title=hostile, language=language)
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "http" not in page
    assert f'<html lang="{language}">' in page
    assert "<svg" in page
    assert all(check.id in page for check in CHECKS)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InvalidInput, match="en, sv"):
        render_html(run_checks(CheckInput(rows=[])), title="x", language="fi")


def test_the_plot_marks_gaps_and_shared_places() -> None:
    plot = slice_plot([0.0, 1.0, 2.0, 2.0, 5.0, 6.0])
    assert plot is not None
    assert [gap.label for gap in plot.gaps] == ["3.0"]
    assert [tick.n for tick in plot.ticks] == [1, 1, 2, 1, 1]
    assert slice_plot([1.0, 1.0]) is None


def test_many_findings_of_one_kind_make_one_group_that_says_how_many_are_not_shown() -> None:
    rows = [r for n in range(150) for r in stack([1.0], uid=f"2.25.{100 + n}", body_part="")]
    page = render_html(run_checks(CheckInput(rows=rows)), title="x", language="en")
    assert page.count("BodyPartExamined is empty") == 1
    assert "and 50 more, in the JSON form" in page


def test_headings_of_places_are_words_of_the_language() -> None:
    lost = Unreadable("a.dcm", "empty", "the file is empty")
    data = CheckInput(rows=stack([1.0, 2.0, 3.0, 5.0, 6.0]), unreadable=[lost])
    pages = {name: render_html(run_checks(data), title="x", language=name) for name in WORDS}
    assert '<th scope="col">step, mm</th>' in pages["en"]
    assert '<th scope="col">steg, mm</th>' in pages["sv"]
    assert '<th scope="col">skäl</th>' in pages["sv"]
    assert "n_slices" not in pages["en"]
