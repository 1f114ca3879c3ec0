"""How the dataset page lets a reader cite, as page, as files and by `Accept`."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tessera.domain.catalogue.notice import Notice, NoticeKind
from tests.pages.fake_hub import NOW, PROSTATE, FakeHub
from tests.pages.html_check import elements, faults
from tests.pages.test_pages import Browser, browse, one

PAGE = "/datasets/linkoping/prostate-mr"
BREAST = "/datasets/valencia/breast-screening"
IDENTIFIER = f"https://hub.example.org{PAGE}"
FORMS = {
    "application/x-bibtex": ("bib", "@misc{"),
    "application/x-research-info-systems": ("ris", "TY  - DATA"),
    "application/vnd.citationstyles.csl+json": ("json", "["),
    "text/x-bibliography": ("txt", "Region Östergötland (2026): Prostate MR with follow-up."),
}
GONE = Notice(
    dataset_id=PROSTATE.dataset_id,
    kind=NoticeKind.WITHDRAWN,
    at=NOW - timedelta(days=1),
    reason="Consent was asked for <anew>.",
    successor="breast-screening",
)


@pytest.fixture
def browser() -> Browser:
    return browse(FakeHub())


@pytest.fixture
def after() -> Browser:
    """A hub from which the dataset has been withdrawn."""
    return browse(FakeHub(gone=(GONE,)))


@pytest.mark.parametrize("media", FORMS)
@pytest.mark.parametrize("version", ["", "?version=1"])
def test_the_address_of_a_dataset_answers_with_its_citation(
    browser: Browser, media: str, version: str
) -> None:
    suffix, begins = FORMS[media]
    reply = browser.get(PAGE + version, accept=f"{media}, text/html;q=0.5")
    assert reply.status_code == 200
    assert reply.headers["content-type"].partition(";")[0] == media
    assert reply.headers["vary"] == "Accept"
    assert reply.text.startswith(begins)
    assert f"{IDENTIFIER}{version}" in reply.text
    assert ("?version=" in reply.text) == bool(version)
    file = browser.get(f"{PAGE}/citation.{suffix}{version}")
    assert file.content == reply.content
    name = "linkoping_prostate-mr" + ("_v1" if version else "")
    assert file.headers["content-disposition"] == f'attachment; filename="{name}.{suffix}"'


def test_a_browser_gets_the_page_and_a_reader_of_rdf_the_record(browser: Browser) -> None:
    assert "<!doctype html>" in browser.get(PAGE, accept="text/html,*/*;q=0.8").text
    assert "<!doctype html>" in browser.get(PAGE, accept="*/*").text
    turtle = browser.get(PAGE, accept="text/turtle, application/x-bibtex;q=0.9")
    assert turtle.headers["content-type"].startswith("text/turtle")


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_page_shows_the_words_that_are_copied_and_names_the_files(
    browser: Browser, language: str
) -> None:
    html = browser.get(BREAST, params={"lang": language}).text
    assert faults(html) == []
    for name, version in (("cite-version", "?version=3"), ("cite-dataset", "")):
        shown = one(html, "p", id=name).text
        assert shown == browser.get(f"{BREAST}/citation.txt{version}").text.strip()
        # There is no button until the script has made it one that works.
        assert "hidden" in one(html, "button", **{"data-copy": name}).attributes
    links = {e.attributes["href"] for e in elements(html) if e.tag == "a"}
    for suffix, _ in FORMS.values():
        assert f"{BREAST}/citation.{suffix}" in links
        assert f"{BREAST}/citation.{suffix}?version=3" in links


def test_the_persistent_address_is_the_hubs_own_and_in_the_header(browser: Browser) -> None:
    reply = browser.get(f"{BREAST}?version=2")
    assert reply.headers["link"] == (f'<https://hub.example.org{BREAST}?version=2>; rel="cite-as"')


@pytest.mark.parametrize(
    "path",
    [
        f"{PAGE}/citation.docx",
        f"{PAGE}/citation.bib?version=9",
        f"{PAGE}/citation.bib?version=x",
        "/datasets/linkoping/unknown/citation.bib",
    ],
)
def test_what_is_not_there_has_no_citation(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_no_version_that_is_not_there_is_cited(browser: Browser) -> None:
    reply = browser.get(f"{PAGE}?version=9", accept="application/x-bibtex")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("language", ["en", "sv"])
def test_a_withdrawn_dataset_says_how_it_is_cited_from_now_on(
    after: Browser, language: str
) -> None:
    reply = after.get(PAGE, params={"lang": language})
    assert reply.status_code == 410
    assert faults(reply.text) == []
    assert "&lt;anew&gt;" in reply.text
    cited = one(reply.text, "p", id="cite-dataset").text
    assert cited.startswith("Region Östergötland (2026): Prostate MR with follow-up [withdrawn].")
    told = json.loads(reply.text.partition('ld+json">')[2].partition("</script>")[0])
    assert told["creativeWorkStatus"] == "Withdrawn"
    assert told["description"].endswith("Consent was asked for <anew>.")


@pytest.mark.parametrize("media", FORMS)
def test_the_address_of_a_withdrawn_dataset_is_gone_and_says_how_to_cite(
    after: Browser, media: str
) -> None:
    suffix, _ = FORMS[media]
    reply = after.get(PAGE, accept=media)
    assert reply.status_code == 410
    assert "[withdrawn]" in reply.text
    file = after.get(f"{PAGE}/citation.{suffix}?version=1")
    assert file.status_code == 200  # the dataset is gone, its citation is not
    assert "[withdrawn]" in file.text


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/images", f"/api/v1{PAGE}", f"{PAGE}?version=1"])
@pytest.mark.parametrize(
    ("media", "form"),
    [
        ("text/turtle", "turtle"),
        ("application/ld+json", "json-ld"),
        ("application/rdf+xml", "xml"),
        ("application/n-triples", "nt"),
    ],
)
def test_every_layer_of_a_withdrawn_dataset_is_gone_in_every_form_of_rdf(
    after: Browser, path: str, media: str, form: str
) -> None:
    reply = after.get(path, accept=media)
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (410, media)
    assert reply.text == f"tombstone {form} {PROSTATE.title['en']}"


@pytest.mark.parametrize("suffix", ["croissant.json", "jws"])
def test_a_withdrawn_dataset_has_no_files_for_programs(after: Browser, suffix: str) -> None:
    reply = after.get(f"/api/v1{PAGE}.{suffix}", accept="application/ld+json")
    assert reply.status_code == 410
    assert reply.json()["reason"] == GONE.reason


def test_a_browser_that_asks_for_a_part_of_a_withdrawn_dataset_is_led_to_its_page(
    after: Browser,
) -> None:
    reply = after.get(f"{PAGE}/images")
    assert (reply.status_code, reply.headers["location"]) == (303, PAGE)


def test_a_title_of_a_hostile_holder_stays_text() -> None:
    hostile = '"}</script><script>alert(1)</script>\n\u202e@misc{x}'
    entry = FakeHub().entries[0]
    described = replace(entry.description, title={"en": hostile})
    browser = browse(FakeHub(entries=(replace(entry, description=described),), gone=(GONE,)))
    html = browser.get(PAGE).text
    assert faults(html) == [] and "<script>alert" not in html
