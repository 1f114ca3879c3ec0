"""The search by form: no script, one tree with the text, nothing of a query left out."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tessera.domain.cohort.syntax import parse
from tests.pages.fake_hub import FakeHub
from tests.pages.html_check import faults
from tests.pages.test_pages import Browser

ASKED = (
    "cancer in (breast, colon) and in one study (modality = MR) and age_at_diagnosis between 50 and"
    " 70 and modality = MR within 90 days before treatment = surgery"
)


def fields_of(page: str) -> dict[str, str]:
    """Return what a browser would send of the form as it stands."""
    form = page[page.index('<form class="ask') :]
    form = form[: form.index("</form>")]
    sent = dict(re.findall(r'<input id="(v\d+)"[^>]* value="([^"]*)"', form))
    sent |= dict(re.findall(r'<textarea[^>]* name="(x\d+)"[^>]*>([^<]*)</textarea>', form))
    for name, options in re.findall(r'<select[^>]* name="(\w+)">(.*?)</select>', form):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else re.findall(r'value="([^"]*)"', options)[0]
    found = re.search(r'name="how" value="(\w+)" checked', form)
    assert found
    return {name: unescape(value) for name, value in sent.items()} | {"how": found[1]}


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize(
    "text",
    [
        ASKED,
        "sex = male or not (sex is known)",
        "at least 2 (modality = CT) within 9 days apart",
    ],
)
def test_what_is_shown_sends_the_same_query_again(text: str, language: str) -> None:
    browser = Browser(FakeHub())
    page = browser.get("/search/form", {"q": text, "lang": language})
    assert page.status_code == 200
    assert faults(page.text) == []
    again = browser.get("/search/form", {**fields_of(page.text), "do": "ask"})
    assert again.status_code == 303
    assert parse_qs(urlsplit(again.headers["location"]).query)["q"] == [str(parse(text))]


def test_what_the_form_cannot_say_is_shown_as_text_and_said_so() -> None:
    page = Browser(FakeHub()).get("/search/form", {"q": ASKED, "lang": "sv"}).text
    for part in ("in one study (modality = MR)", ") within 90 days before treatment"):
        assert part in page
    assert page.count("Formuläret har inga rutor för den här delen.") == 2


def test_a_query_that_cannot_be_read_stays_in_the_form() -> None:
    reply = Browser(FakeHub()).get("/search/form", {"q": "sex = mael", "lang": "sv"})
    assert reply.status_code == 400
    assert ">sex = mael</textarea>" in reply.text
    assert "har inget värde" in reply.text
    assert faults(reply.text) == []


def test_a_wrong_line_is_named_and_nothing_is_asked() -> None:
    given = {
        "f0": "sex",
        "o0": "=",
        "v0": "male",
        "f2": "psa",
        "o2": ">",
        "v2": "much",
        "do": "ask",
    }
    reply = Browser(FakeHub()).get("/search/form", given)
    assert reply.status_code == 400
    assert reply.text.count("line-trouble") == 1
    assert "psa &gt; much" in reply.text
    assert fields_of(reply.text)["v1"] == "much"


def test_a_value_without_a_field_is_not_left_out_in_silence() -> None:
    reply = Browser(FakeHub()).get("/search/form", {"v0": "male", "o0": "=", "do": "ask"})
    assert reply.status_code == 400


def test_the_page_has_no_script_and_runs_without() -> None:
    page = Browser(FakeHub()).get("/search/form", {}).text
    assert "<script" not in page
