"""The de-identification report: each count with its reason, whole HTML in both languages."""

import json

import pytest

from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.adapters.report.deid import render_deid_html
from tessera.adapters.report.deid_words import ENGLISH, SWEDISH
from tessera.domain.deid.actions import CLEAN, DUMMY, REMOVE, SHIFT
from tessera.domain.deid.report import PRIVATE, DeidReport, NotTaken, report_of
from tessera.domain.deid.risk import risk_of
from tessera.domain.deid.rules import compile_rules
from tessera.domain.deid.tally import PixelAction
from tessera.domain.errors import InvalidInput
from tests.pages.html_check import elements
from tests.unit.domain.deid.test_risk import record, row


@pytest.fixture(scope="module")
def report() -> DeidReport:
    rules = compile_rules(load_profile("research"), rule_texts())
    changes = {
        (0x00080020, SHIFT): 900,
        (0x0008103E, CLEAN): 300,
        (0x00080090, DUMMY): 12,
        (0x00101040, REMOVE): 5,
        (PRIVATE, REMOVE): 7000,
    }
    return report_of(
        rules,
        changes,
        states={"stored": 900, "held": 3, "refused": 1},
        not_taken=[NotTaken("held", "text-risk", "tessera node pixels", 3)],
        pixels=[PixelAction("blank", "names-somebody", 7), PixelAction("keep", "harmless-mark", 2)],
        decided={"cleaned": 2, "refused": 1},
        risk=risk_of([row(f"S{n}") for n in range(12)], [record("S3", "sarcoma")]),
        faces=2,
    )


def test_each_count_has_its_reason_and_clause(report: DeidReport) -> None:
    assert [one.elements for one in report.changes] == [7000, 900, 300, 12, 5]
    told = {one.keyword: one for one in report.changes}
    assert "PS3.15" in told["StudyDate"].clause + told["StudyDate"].source
    for one in report.changes:
        assert one.source
        assert one.clause or one.element == "private"
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["risk"]["k"] == 1
    assert plain["tessera_deid_report"] == 1


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_page_is_whole_and_says_all(report: DeidReport, language: str) -> None:
    html = render_deid_html(report, title="Node <Linköping>", language=language)
    found = elements(html)
    assert html.count("<script") == 0
    assert "http" not in html.replace("http-equiv", "")
    assert {"title", "main", "table", "footer"} <= {one.tag for one in found}
    for word in ("SeriesDescription", "text-risk", "names-somebody", "Node &lt;Linköping&gt;"):
        assert word in html


def test_both_languages_say_the_same_things() -> None:
    assert ENGLISH.keys() == SWEDISH.keys()


def test_an_empty_report_is_no_trouble_and_another_language_is() -> None:
    rules = compile_rules(load_profile("basic"), rule_texts())
    empty = report_of(rules, {}, states={}, not_taken=[])
    assert "0" in render_deid_html(empty, title="x", language="en")
    with pytest.raises(InvalidInput):
        render_deid_html(empty, title="x", language="de")
