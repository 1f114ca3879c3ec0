"""The hub's pages: right, safe and usable, in both languages."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

import tessera.http
from tessera.domain.catalogue.description import Agent, Facet
from tessera.domain.cohort.result import Outcome
from tessera.http.app import create_app
from tessera.wire.envelope import MessageType
from tests.pages.fake_hub import ELSEWHERE, ENTRIES, NODES, NOW, PROSTATE, FakeHub, entry, harvested
from tests.pages.html_check import Element, elements, faults

HTML = {"accept": "text/html"}
QUERY = "cancer = prostate and modality in (MR, PT)"
PAGES = (
    "/",
    "/catalogue",
    "/catalogue?text=mammo&cancer=breast&modality=MG&population=cancer&country=ES&sort=subjects",
    "/catalogue?cancer=no-such-cancer",
    "/datasets/linkoping/prostate-mr",
    "/datasets/heraklion/colorectal-ct",
    "/datasets/valencia/breast-screening?version=2",
    "/search",
    "/search?dataset=linkoping/prostate-mr",
    f"/search?q={QUERY}",
    f"/search?q={QUERY}&dataset=valencia/breast-screening",
    "/search/form",
    f"/search/form?q={QUERY}",
    "/about",
    "/progress",
    "/nodes",
    "/nodes/linkoping",
    "/statistics",
    "/similar",
)
HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)>{{ 7*7 }}</script>"


async def no_nodes(type: MessageType, token: str) -> str:
    raise NotImplementedError


class Browser:
    """Asks the application for pages in this process, and keeps its cookies."""

    def __init__(self, hub: FakeHub) -> None:
        app = create_app(hub, no_nodes)
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._cookies = httpx.Cookies()

    def get(
        self, address: str, params: dict[str, str] | None = None, **headers: str
    ) -> httpx.Response:
        url = httpx.URL(address).copy_merge_params(params or {})
        return asyncio.run(
            self._get(url, HTML | {k.replace("_", "-"): v for k, v in headers.items()})
        )

    async def _get(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport,
            base_url="http://hub.test",
            headers=headers,
            cookies=self._cookies,
        ) as client:
            reply = await client.get(url)
            self._cookies.update(client.cookies)
            return reply


def browse(hub: FakeHub) -> Browser:
    return Browser(hub)


@pytest.fixture
def browser() -> Browser:
    return browse(FakeHub())


def one(html: str, tag: str, **attributes: str) -> Element:
    """Return the only element with this tag and these attributes."""
    wanted = attributes.items()
    (found,) = (e for e in elements(html) if e.tag == tag and wanted <= e.attributes.items())
    return found


def words(text: str) -> str:
    return re.sub(r"[^\S\u202f]+", " ", text).strip()


@pytest.mark.parametrize(
    "html",
    [
        "<p><b></p></b>",
        "<p>",
        '<p style="color: red">x</p>',
        '<a href="/" onclick="x()">x</a>',
        '<a href="javascript:x()">x</a>',
        "<script>x()</script>",
        '<img src="https://example.org/x.png" alt="">',
        '<input name="q">',
        '<p aria-labelledby="nothing">x</p>',
        '<p id="a">x</p><p id="a">y</p>',
        "<table><tr><td>x</td></tr></table>",
    ],
)
def test_the_check_of_pages_finds_what_is_wrong(html: str) -> None:
    assert faults(html, is_whole_page=False)


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_well_formed_safe_and_labelled(
    browser: Browser, address: str, language: str
) -> None:
    reply = browser.get(address, accept_language=language)

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-language"] == language
    assert faults(reply.text) == []
    assert elements(reply.text)[0].attributes["lang"] == language
    assert "{{" not in reply.text and "{%" not in reply.text


@pytest.mark.parametrize("language", ["en", "sv"])
def test_error_pages_are_pages_too(browser: Browser, language: str) -> None:
    for address in (
        "/nothing",
        "/datasets/linkoping/nothing",
        "/datasets/Bad Id/x",
        "/datasets/linkoping/prostate-mr?version=99",
        "/datasets/linkoping/prostate-mr?version=one",
        "/search/no-such-search",
        "/search/no-such-search/fragment",
        "/statistics/no-such-search",
        "/statistics/no-such-search/fragment",
        "/similar/no-such-search",
    ):
        reply = browser.get(address, accept_language=language)
        assert reply.status_code == 404, address
        assert faults(reply.text) == []
        assert reply.headers["content-language"] == language


def test_a_fault_of_the_hub_is_a_page_without_its_details() -> None:
    class Broken(FakeHub):
        def summary(self) -> object:  # type: ignore[override]
            raise RuntimeError("secret path /srv/x")

    reply = browse(Broken()).get("/")

    assert reply.status_code == 500
    assert faults(reply.text) == []
    assert "secret" not in reply.text


def test_every_link_to_this_hub_leads_somewhere(browser: Browser) -> None:
    seen: set[str] = set()
    for address in PAGES:
        for element in elements(browser.get(address).text):
            found = element.attributes.get("href", element.attributes.get("src", ""))
            if found.startswith("/") and found not in seen:
                seen.add(found)
    for found in sorted(seen):
        assert browser.get(found).status_code in (200, 303), found
    assert len(seen) > 40


def test_the_language_is_that_of_the_address_then_the_cookie_then_the_browser(
    browser: Browser,
) -> None:
    assert browser.get("/", accept_language="sv").headers["content-language"] == "sv"

    chosen = browser.get("/about?lang=en", accept_language="sv")
    assert chosen.headers["content-language"] == "en"
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert browser.get("/", accept_language="sv").headers["content-language"] == "en"
    assert browser.get("/?lang=sv").headers["content-language"] == "sv"
    assert browser.get("/?lang=xx").headers["content-language"] == "sv"


def test_the_language_link_keeps_the_page_and_its_parameters(browser: Browser) -> None:
    html = browser.get("/catalogue?cancer=lung&text=a%26b&lang=en").text
    link = one(html, "a", hreflang="sv")

    assert unescape(link.attributes["href"]) == "/catalogue?cancer=lung&text=a%26b&lang=sv"


def test_no_cookie_is_set_until_a_language_is_chosen(browser: Browser) -> None:
    assert "set-cookie" not in browser.get("/").headers


def test_home_shows_the_sums_written_as_the_language_does(browser: Browser) -> None:
    assert "<dd>1,426,850</dd>" in browser.get("/?lang=en").text
    assert "<dd>1\u202f426\u202f850</dd>" in browser.get("/?lang=sv").text


def test_home_never_calls_a_number_that_is_too_few_to_tell_zero() -> None:
    hidden = {"n_subjects": None, "n_studies": None, "n_series": None, "n_instances": None}
    small = replace(ENTRIES[0], description=replace(ENTRIES[0].description, **hidden))
    page = browse(FakeHub(entries=(small,))).get("/?lang=en").text
    assert page.count('<dd><span class="few">too few to tell</span></dd>') >= 3
    assert "<dd>0</dd>" not in page


def test_an_empty_hub_has_pages_that_say_so() -> None:
    client = browse(FakeHub(entries=(), all_nodes=()))
    for address in ("/", "/catalogue", "/about", f"/search?q={QUERY}"):
        reply = client.get(address)
        assert reply.status_code == 200
        assert faults(reply.text) == []
    assert "No hospital has published a dataset yet." in client.get("/catalogue").text
    assert "There is no dataset to ask yet." in client.get(f"/search?q={QUERY}").text


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["Prostate MR", "Breast screening", "Colorectal"]),
        ({"cancer": "breast"}, ["Breast screening"]),
        ({"cancer": "lung"}, []),
        ({"modality": "CT"}, ["Prostate MR", "Colorectal"]),
        ({"country": "GR"}, ["Colorectal"]),
        ({"node": "valencia"}, ["Breast screening"]),
        ({"population": "benign"}, ["Prostate MR", "Breast screening", "Colorectal"]),
        ({"text": "LINKOPING prostatacancer", "lang": "sv"}, ["Prostata-MR"]),
        ({"text": "κρητης"}, ["Colorectal"]),
        ({"text": "grekland", "lang": "sv"}, ["Stadieindelning"]),
        ({"modality": "MR", "country": "ES"}, ["Breast screening"]),
        ({"sort": "title"}, ["Breast screening", "Colorectal", "Prostate MR"]),
        ({"sort": "subjects"}, ["Breast screening", "Prostate MR", "Colorectal"]),
        ({"sort": "rubbish"}, ["Prostate MR", "Breast screening", "Colorectal"]),
    ],
)
def test_the_catalogue_filters_and_sorts(
    browser: Browser, parameters: dict[str, str], found: list[str]
) -> None:
    html = browser.get("/catalogue", params=parameters).text
    titles = [e.text.strip() for e in elements(html) if e.attributes.get("class") == "card-title"]

    assert len(titles) == len(found)
    assert all(title.startswith(start) for title, start in zip(titles, found, strict=True))


def test_a_cancer_that_is_too_few_to_tell_is_not_offered(browser: Browser) -> None:
    html = browser.get("/catalogue").text
    offered = {e.attributes["value"] for e in elements(html) if e.tag == "option"}

    assert {"prostate", "breast", "colon", "rectum"} <= offered
    assert "lung" not in offered


def test_a_filter_can_be_taken_away_alone(browser: Browser) -> None:
    html = browser.get("/catalogue?cancer=breast&country=ES&sort=title").text
    hrefs = {unescape(e.attributes.get("href", "")) for e in elements(html)}

    assert {"/catalogue?country=ES&sort=title", "/catalogue?cancer=breast&sort=title"} <= hrefs


def test_the_dataset_page_draws_and_lists_the_same_numbers(browser: Browser) -> None:
    html = browser.get("/datasets/linkoping/prostate-mr?lang=en").text
    chart = html[html.index('id="chart-modality"') : html.index('id="chart-manufacturer"')]

    assert 'width="100.0%"' in chart
    for label, n in (("Magnetic resonance (MR)", 840), ("Computed tomography (CT)", 230)):
        assert f"<title>{label}: {n}</title>" in chart
        assert f'<tr><th scope="row">{label}</th><td class="n">{n}</td></tr>' in chart
    assert "too few to tell" in chart
    assert 'fill="url(#hatch)"' in chart


def test_the_dataset_page_tells_what_a_reader_needs_to_trust_it(browser: Browser) -> None:
    text = words(one(browser.get("/datasets/linkoping/prostate-mr?lang=en").text, "main").text)

    for told in (
        PROSTATE.manifest_sha256,
        "Remote processing",
        "General research use",
        PROSTATE.provenance,
        PROSTATE.deid_profile,
        PROSTATE.policy,
        PROSTATE.legal_basis,
        "Region Östergötland (2026): Prostate MR with follow-up. Version 1.",
        "689 GB",
        "3 March 2026",
    ):
        assert told in text


def test_a_dataset_with_nothing_to_tell_draws_nothing_and_says_so() -> None:
    silent = {name: (Facet("0", None), Facet("I", None)) for name in ("sex", "stage", "cancer")}
    small = replace(PROSTATE, facets=silent, n_subjects=None, n_studies=None)
    client = browse(FakeHub(entries=(entry(NODES[1], small, days_ago=1),)))
    html = client.get("/datasets/linkoping/prostate-mr?lang=en").text

    assert faults(html) == []
    assert html.count("All values: too few to tell") == 3
    assert "bar-told" not in html
    assert 'class="few">too few to tell' in html


def test_an_older_version_says_so_and_links_to_the_newest(browser: Browser) -> None:
    html = browser.get("/datasets/valencia/breast-screening?version=2&lang=en").text

    assert "older version (2)" in html
    assert 'href="/datasets/valencia/breast-screening">Go to version 3' in html


def hostile_hub() -> FakeHub:
    evil = replace(
        PROSTATE,
        title={"en": HOSTILE},
        description={"en": HOSTILE, "sv": HOSTILE},
        keywords=(HOSTILE,),
        publisher=Agent(HOSTILE, HOSTILE, "javascript:alert(1)"),
        contact=Agent(HOSTILE, HOSTILE),
        facets={
            name: (Facet(HOSTILE, 20), Facet(f"{HOSTILE}2", None))
            for name in ("cancer", "modality", "sex", "stage", "age_at_diagnosis")
        },
        provenance=HOSTILE,
        deid_profile=HOSTILE,
        legal_basis=HOSTILE,
        policy=HOSTILE,
        population=(HOSTILE,),
        access_conditions=(HOSTILE,),
        collection_methods=(HOSTILE,),
        country=HOSTILE,
        language=HOSTILE,
    )
    node = replace(NODES[1], name=HOSTILE, country=HOSTILE)
    return FakeHub(entries=(entry(node, evil, days_ago=1),), all_nodes=(node,))


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/catalogue",
        "/datasets/linkoping/prostate-mr",
        f"/search?q={QUERY}",
        "/search?q=" + HOSTILE,
        "/search?dataset=" + HOSTILE,
        "/catalogue?text=" + HOSTILE + "&cancer=" + HOSTILE,
        "/about",
        "/" + HOSTILE,
    ],
)
def test_hostile_text_stays_text(address: str, language: str) -> None:
    html = browse(hostile_hub()).get(address, params={"lang": language}).text

    assert faults(html) == []
    assert "<script>alert" not in html and "<img src=x" not in html
    assert "javascript:" not in html


def test_hostile_titles_do_not_break_out_of_the_data_for_search_engines() -> None:
    html = browse(hostile_hub()).get("/datasets/linkoping/prostate-mr").text
    data = json.loads(one(html, "script", type="application/ld+json").text)

    assert data["name"] == HOSTILE
    assert data["@type"] == "Dataset"
    assert data["identifier"] == f"sha256:{PROSTATE.manifest_sha256}"


def test_the_four_outcomes_are_four_different_things() -> None:
    outcomes = (Outcome.TOO_FEW, Outcome.COUNTED, Outcome.NOT_SUPPORTED)
    client = browse(FakeHub(outcomes=outcomes))
    html = client.get("/search", params={"q": QUERY, "lang": "en"}).text
    silent = browse(FakeHub(outcomes=(Outcome.NO_ANSWER,) * 3))
    html += silent.get("/search", params={"q": QUERY, "lang": "en"}).text
    rows = {
        e.attributes["class"]: words(e.text)
        for e in elements(html)
        if e.tag == "tr" and e.attributes.get("class", "").startswith("outcome-")
    }

    assert "Counted" in rows["outcome-counted"] and "480 610" in rows["outcome-counted"]
    assert "Too few to tell" in rows["outcome-too_few"]
    assert "It has too few values, or none, for: gleason, psa" in rows["outcome-not_supported"]
    assert "No answer" in rows["outcome-no_answer"]
    assert "last seen" in rows["outcome-no_answer"]
    for outcome in ("too_few", "not_supported", "no_answer"):
        assert "no number" in rows[f"outcome-{outcome}"]
        assert f"icon-{outcome}" in html
    order = re.findall(r'<tr role="row" class="outcome-(\w+)', html)[:3]
    assert order == ["counted", "too_few", "not_supported"]


def test_the_answer_names_conditions_levels_policies_and_the_double_count() -> None:
    client = browse(FakeHub(outcomes=(Outcome.COUNTED,) * 3))
    text = words(client.get("/search", params={"q": QUERY, "lang": "en"}).text)
    body = words(one(text, "main").text)

    assert "1,440 patients" in body
    assert "A person who is in two datasets is counted twice." in body
    assert "Some cancer of the subject has cancer prostate" in body
    assert "Fewer than 10 subjects, also none, are given as too few to tell" in body
    assert body.count("Fewer than 10 subjects") == 1


def test_the_dataset_a_reader_comes_from_stands_first(browser: Browser) -> None:
    html = browser.get("/search", params={"q": QUERY, "dataset": "heraklion/colorectal-ct"}).text
    first = re.search(r'<tr role="row" class="(outcome-[^"]*)"', html)

    assert first is not None
    assert first[1].endswith("chosen")


def test_a_faulty_query_is_shown_with_its_place_marked_and_a_mend(browser: Browser) -> None:
    reply = browser.get(
        "/search", params={"q": "modality = MR\nand cancer = prostat", "lang": "en"}
    )
    trouble = one(reply.text, "div", id="trouble").text
    field = one(reply.text, "textarea")

    assert reply.status_code == 400
    assert faults(reply.text) == []
    assert "and cancer = prostat\n             ^" in trouble
    assert "did you mean prostate?" in trouble
    assert field.attributes["aria-invalid"] == "true"
    assert "trouble" in field.attributes["aria-describedby"].split()
    assert field.text == "modality = MR\nand cancer = prostat"


def test_a_slow_search_shows_itself_at_once_and_goes_on_with_and_without_script() -> None:
    client = browse(FakeHub(is_quick=False, outcomes=(Outcome.COUNTED,) * 3))
    html = client.get("/search", params={"q": QUERY, "lang": "en"}).text
    answer = one(html, "div", id="answer")

    assert one(html, "section", **{"class": "answer"}).attributes["data-complete"] == "no"
    assert '<noscript><meta http-equiv="refresh" content="2;url=/search/search-1">' in html
    assert "1 of 3 datasets have answered." in one(html, "p", id="progress").text

    fragment = unescape(answer.attributes["data-fragment"])
    states = []
    for _ in range(2):
        reply = client.get(fragment)
        assert faults(reply.text, is_whole_page=False) == []
        assert reply.headers["cache-control"] == "no-store"
        states.append(one(reply.text, "section", **{"class": "answer"}).attributes)
    assert [s["data-complete"] for s in states] == ["no", "yes"]
    assert states[1]["data-progress"].endswith("The search is complete.")

    kept = client.get("/search/search-1").text
    assert "<noscript>" not in kept
    assert faults(kept) == []


def test_a_waiting_hospital_is_not_yet_one_without_an_answer() -> None:
    client = browse(FakeHub(is_quick=False))
    html = client.get("/search", params={"q": QUERY, "lang": "en"}).text

    assert html.count('<tr role="row" class="outcome-waiting"') == 1
    assert html.count('<tr role="row" class="outcome-no_answer"') == 1  # it is not in touch


def test_a_node_s_own_words_are_marked_as_english_on_a_swedish_page() -> None:
    hub = FakeHub()
    client = browse(hub)
    client.get("/search", params={"q": QUERY})
    search = hub.search("search-1")
    told = replace(search.results[0], detail="The files could not be read.")
    hub._searches["search-1"] = replace(search, results=(told, *search.results[1:]))

    html = client.get("/search/search-1?lang=sv").text
    assert '<span lang="en">The files could not be read.</span>' in html


STYLE = (Path(tessera.http.__file__).parent / "static" / "tessera.css").read_text("utf-8")


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))


def _luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(scheme: str) -> None:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)", 2)[:2]
    colours = _colours(light) | (_colours(dark) if scheme == "dark" else {})

    def contrast(one: str, other: str) -> float:
        low, high = sorted((_luminance(colours[one]), _luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    for ground in ("paper", "wash", "accent-wash"):
        for text in ("ink", "muted", "accent-strong"):
            assert contrast(text, ground) >= 4.5, (text, ground)
        for shape in ("line-strong", "accent"):
            assert contrast(shape, ground) >= 3, (shape, ground)
    assert contrast("on-accent", "accent") >= 4.5
    assert contrast("on-accent", "accent-strong") >= 4.5
    assert contrast("trouble", "trouble-wash") >= 4.5


def test_static_files_load_nothing_from_elsewhere() -> None:
    folder = Path(tessera.http.__file__).parent / "static"
    for path in folder.iterdir():
        text = path.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in text.replace("// ", "") or path.suffix == ".js", path
        assert "http:" not in text and "https:" not in text, path


def test_a_static_file_s_address_changes_with_its_content(browser: Browser) -> None:
    html = browser.get("/").text
    sheet = one(html, "link", rel="stylesheet").attributes["href"]

    assert re.fullmatch(r"/static/tessera\.css\?v=[0-9a-f]{10}", sheet)
    assert browser.get(sheet).status_code == 200


def test_ago_is_counted_from_now_and_never_negative() -> None:
    node = replace(NODES[0], last_seen=datetime.now(UTC) + timedelta(hours=1))
    client = browse(FakeHub(entries=ENTRIES, all_nodes=(node,)))

    assert "Last seen 0 seconds ago" in client.get("/about?lang=en").text


NORDIC = FakeHub(sources=(ELSEWHERE,), from_elsewhere=(harvested("lung-ct"),))


def test_a_harvested_dataset_stands_in_the_catalogue_with_its_origin() -> None:
    browser = Browser(NORDIC)
    html = browser.get("/catalogue").text
    assert faults(html) == []
    assert "Harvested from Nordic imaging catalogue" in html
    assert "4 datasets" in html
    only = browser.get("/catalogue", params={"origin": "nordic"}).text
    assert "1 dataset of 4 fits" in only
    assert "Prostate MR" not in only
    assert "4 datasets" not in browser.get("/catalogue", params={"origin": "here"}).text
    found = browser.get("/catalogue", params={"text": "lungcancer", "lang": "sv"}).text
    assert "Hämtad från Nordic imaging catalogue" in found


@pytest.mark.parametrize("language", ["en", "sv"])
def test_a_harvested_dataset_links_to_its_source_and_offers_nothing_here(language: str) -> None:
    key = NORDIC.from_elsewhere[0].key
    html = Browser(NORDIC).get(f"/harvested/{key}", params={"lang": language}).text
    assert faults(html) == []
    assert 'href="https://nordic.example.org/dataset/lung-ct"' in html
    main = html.partition("<main")[2].partition("</main>")[0]
    assert "/search" not in main
    assert "/basket" not in main


def test_a_withdrawn_one_says_so_leaves_the_list_and_keeps_its_page() -> None:
    gone = harvested("lung-ct", withdrawn_at=NOW)
    browser = Browser(FakeHub(sources=(ELSEWHERE,), from_elsewhere=(gone,)))
    assert "Lung CT from the Nordic" not in browser.get("/catalogue").text
    html = browser.get(f"/harvested/{gone.key}").text
    assert "No longer in its catalogue" in html
    assert "Go to the dataset" not in html
    assert browser.get("/harvested/unknown").status_code == 404


def test_hostile_texts_of_a_source_stay_texts() -> None:
    made = harvested("x")
    hostile = replace(
        made.dataset,
        title={HOSTILE: HOSTILE},
        description={"": HOSTILE},
        publisher=HOSTILE,
        identifier=HOSTILE,
        keywords=(HOSTILE,),
    )
    entry_ = replace(made, dataset=hostile)
    browser = Browser(FakeHub(sources=(ELSEWHERE,), from_elsewhere=(entry_,)))
    for address in ("/catalogue", f"/harvested/{entry_.key}"):
        html = browser.get(address).text
        assert "<script>alert" not in html
        assert faults(html) == []


def test_a_long_catalogue_is_shown_page_by_page() -> None:
    many = tuple(harvested(f"set-{n:02}") for n in range(60))
    browser = Browser(FakeHub(entries=(), sources=(ELSEWHERE,), from_elsewhere=many))
    shown: list[str] = []
    for page, n in (("1", 24), ("2", 24), ("3", 12)):
        html = browser.get("/catalogue", params={"page": page}).text
        keys = re.findall(r'href="/harvested/(\w+)"', html)
        assert len(keys) == n
        shown += keys
    assert len(set(shown)) == 60
    for odd in ("0", "-1", "99", "x", "9" * 30):
        assert browser.get("/catalogue", params={"page": odd}).status_code == 200
