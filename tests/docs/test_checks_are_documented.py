"""docs/reference/checks.md describes every check and every kind of finding."""

import re

from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.finding import Severity
from tessera.domain.quality.report import FORMAT
from tessera.domain.quality.texts import TEXTS
from tests.architecture.source import REPO

PAGE = (REPO / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")


def section(check: str) -> str:
    return re.split(r"^### ", PAGE.split(f"### {check} ")[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_check_has_a_section_with_its_title_and_source() -> None:
    assert re.findall(r"^### (Q-\S+) (.+)$", PAGE, re.MULTILINE) == [
        (check.id, check.title) for check in CHECKS
    ]
    for check in CHECKS:
        assert check.looks_at in section(check.id)
        assert f"Source: {check.source}." in section(check.id)
    assert FORMAT in PAGE


def test_every_kind_of_finding_is_listed_under_its_check_with_a_severity() -> None:
    severities = "|".join(Severity)
    for check in CHECKS:
        listed = re.findall(rf"^\| `(\S+)` \| (?:{severities}) \|", section(check.id), re.MULTILINE)
        assert listed == [kind for kind, text in TEXTS.items() if text.check == check.id]


def test_every_statement_names_the_checks_that_cover_it() -> None:
    for check in CHECKS:
        for statement in check.statements:
            assert re.search(rf"^\| {statement} \|.*{check.id}", PAGE, re.MULTILINE)
