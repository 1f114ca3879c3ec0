"""Every fault that a reader of a page can make is said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from markupsafe import escape

import tessera
from tessera.domain.cohort.form import ConditionLine, Form, query_of_form
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidInput, InvalidQuery
from tessera.domain.statistics.statistic import statistic
from tessera.http.language import texts
from tessera.http.trouble_words import added_sentence, fault_sentence, mend_sentence
from tessera.hub import searching
from tessera.node import answer
from tests.pages.fake_hub import FakeHub
from tests.pages.test_pages import Browser

SV = texts("sv")
SOURCE = Path(tessera.__file__).parent
READ_BY_PAGES = (
    *(f"domain/cohort/{name}.py" for name in ("tree", "syntax", "tokens", "fields", "query")),
    *("domain/cohort/form.py", "domain/cohort/temporal.py"),
    *(
        "domain/statistics/cut.py",
        "domain/statistics/statistic.py",
        "domain/statistics/described.py",
    ),
)
NOT_FROM_A_PAGE = {
    "the condition on 7 is not in canonical form",
    "use compare()",
    "a statistic is a JSON object",
    "a statistic has the keys kind, by, steps and outcome",
    "kind, steps and outcome of a statistic are texts, by is a list of them",
}


def sentences(node: ast.expr | None) -> Iterator[str]:
    """Yield what an expression says, with 7 in each place for a value."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(p.value if isinstance(p, ast.Constant) else "7" for p in parts)
        case ast.IfExp():
            yield from sentences(node.body)
            yield from sentences(node.orelse)


def raised(name: str) -> Iterator[tuple[str, str]]:
    """Yield (fault or mend, sentence) of all that a module raises."""
    for node in ast.walk(ast.parse((SOURCE / name).read_text("utf-8"))):
        is_fault = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_fault and node.func.id in ("InvalidQuery", "InvalidInput"):
            yield from (("fault", text) for text in sentences(node.args[0]))
            for keyword in node.keywords:
                if keyword.arg == "mend":
                    yield from (("mend", text) for text in sentences(keyword.value))


@pytest.mark.parametrize("name", READ_BY_PAGES)
def test_every_sentence_of_the_source_has_its_words(name: str) -> None:
    write = {"fault": fault_sentence, "mend": mend_sentence}
    said = [one for one in raised(name) if one[1] not in NOT_FROM_A_PAGE]
    assert said
    english = [text for kind, text in said if 'lang="en"' in write[kind](text, SV)]
    assert [text for text in english if "needs a number7" not in text] == []


@pytest.mark.parametrize(
    ("query", "fault", "mend"),
    [
        ("clinical_t > TX", "TX har ingen plats i ordningen", "använd något av"),
        ("psa between 9 and 1", "det första värdet i ”between”", "skriv `psa between 1 and 9`"),
        ("in one study (sex = male)", "sex hör till nivån patient", "flytta ut det"),
        ("in one patient (sex = male)", "”in one” och sedan", "använd ”in one study"),
        ("in (male)", "ett fält ska stå före", "skriv `modality in (MR, PT)`; för en"),
        ("(" * 60 + "sex = male" + ")" * 60, "frågan har för många parenteser", "högst 20 nivåer"),
        ("death before death", "death står på båda sidor", "en annan händelse"),
        ("at least 9 (modality = CT) within 9 days apart", "”at least 9", "från 2 till 5"),
        (" or ".join(["sex = male"] * 51), "frågan har 51 villkor", "”in (…)” tar många värden"),
        (
            "in one series (in one study (modality = CT))",
            "”in one study” kan inte stå i ”in one series”",
            "bara en serie",
        ),
    ],
)
def test_a_faulty_query_is_explained_in_swedish(query: str, fault: str, mend: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(query)
    assert fault in unescape(fault_sentence(caught.value.message, SV))
    assert mend in unescape(mend_sentence(caught.value.mend, SV))


def test_a_faulty_line_and_a_faulty_statistic_are_explained_in_swedish() -> None:
    with pytest.raises(InvalidQuery) as caught:
        query_of_form(Form((ConditionLine("sex", "is known", "male"),)))
    assert unescape(fault_sentence(caught.value.message, SV)) == "`is known` har fel antal värden"
    for kind, by, said in (
        ("table", ("psa",), "psa är ett tal och behöver gränser"),
        ("table", ("modality",), "modality hör inte till en patient"),
        ("survival", ("sex", "stage", "er", "pr"), "survival delas in efter"),
        ("pie", (), "pie är inget av"),
    ):
        with pytest.raises(InvalidInput) as wrong:
            statistic(kind, by)
        assert re.match(said, unescape(fault_sentence(str(wrong.value), SV)))


def test_what_a_node_or_the_hub_adds_is_said_in_swedish() -> None:
    added = [
        *(answer._SPENT.format(days=30), answer._FAILED),
        *(searching._HAS_LEFT, searching._OTHER_STATE),
    ]
    for text in added:
        assert 'lang="en"' not in added_sentence(text, SV)
        assert added_sentence(text, texts("en")) == escape(text)
    assert "30 dagar" in added_sentence(added[0], SV)


@pytest.mark.parametrize(
    "address",
    [
        "/search?q=in one patient (sex = male)",
        "/search/form?q=psa between 9 and 1",
        "/statistics?q=sex = male&kind=table&by=modality",
        "/similar?cancer=breast&gleason=x",
    ],
)
def test_a_swedish_page_of_a_fault_has_no_english_sentence(address: str) -> None:
    reply = Browser(FakeHub()).get(address, accept_language="sv")
    assert reply.status_code == 400
    main = reply.text[reply.text.index("<main") :]
    assert 'class="trouble"' in main
    assert 'lang="en"' not in main
