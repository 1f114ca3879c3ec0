"""The way of an application, clicked and typed by its people in a real browser.

A hub and three nodes run as programs; each person has a browser of their own. Every page on the
way is looked at in both languages, wide, narrow and dark, and must be whole in each.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import tessera as tessera_package
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.datasets import DatasetRequest, create_dataset, release_dataset
from tessera.bootstrap.hub import open_hub
from tessera.bootstrap.link import publish_dataset
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.bootstrap.permits import permit_book
from tessera.domain.access.permit import Reason
from tests.access_trial import counting_tool
from tests.browser_trial import Visitor, chromium, opened_browser, picture_folder
from tests.e2e.test_hub_with_nodes import Site, new_site
from tests.hub_trial import TESSERA, tessera, wait_until
from tests.opt_out_trial import put_patients

MEN = "cancer = prostate and modality = MR"
PASSWORD = "four quiet tiles in a row"
PEOPLE = (
    ("astrid", "Astrid Holm", "Uppsala universitet", "researcher"),
    ("kim", "Kim Berg", "Karolinska Institutet", "committee"),
    ("maria", "Maria Lind", "Region Östergötland", "holder@linkoping"),
    ("jordi", "Jordi Ferrer", "Hospital La Fe", "holder@valencia"),
)
HOSPITALS = (
    ("Linköping", "SE", "Region Östergötland", 60),
    ("Valencia", "ES", "Hospital La Fe", 44),
    ("Heraklion", "GR", "University Hospital of Heraklion", 8),
)
"""Name, country, publisher, patients; half of these have prostate cancer and an MR."""
CONDITION = "Cite the region in publications."
REFUSAL = "Vårt avtal med regionen täcker inte detta än."
QUESTION = "Which hospitals read the images before?"
ANSWER = "None outside the project. A radiologist in each hospital read them for care."
ENDED = "The project ended early."
TITLE = "Can MR see what pathology finds?"


@dataclass
class Town:
    site: Site
    browser: Browser
    pictures: Path

    @contextmanager
    def visitor(self, name: str = "", language: str = "en") -> Iterator[Visitor]:
        """Open a browser; at the end nothing may have been wrong with a page."""
        visitor = Visitor.at(
            self.browser, self.site.url, self.pictures, name=name, language=language
        )
        yield visitor
        visitor.context.close()
        assert not visitor.faults, "\n".join(visitor.faults)


def typed(*words: str, lines: str, config: Path | None = None) -> str:
    """Run a command that reads a password."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    if config:
        environment["TESSERA_CONFIG"] = str(config)
    done = subprocess.run(
        [str(TESSERA), *words],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def add_people(site: Site) -> None:
    for user, name, organisation, role in PEOPLE:
        typed(
            *("hub", "user", "add", str(site.hub_home), user, "--name", name),
            *("--organisation", organisation, "--role", role, "--password-stdin"),
            lines=f"{PASSWORD}\n",
        )


def add_hospital(site: Site, name: str, country: str, publisher: str, n_patients: int) -> None:
    """Make a node with a dataset of real tables, let it join, and start it."""
    slug = name.lower().replace("ö", "o")
    node = init_node(site.folder / slug, NodeSettings(name=name, country=country, count_noise=0))
    put_patients(node, [f"19121212-{number:04}" for number in range(n_patients)])
    create_dataset(
        node.home,
        DatasetRequest(
            title=f"Prostate and lung, {name}",
            titles={"sv": f"Prostata och lunga, {name}"},
            description="Images and clinical data of routine care.",
            publisher=publisher,
            contact_email="data@example.org",
            data_use=("DUO_0000042",),
            dataset_id="images",
        ),
    )
    code = tessera("hub", "invite", site.hub_home).stdout.strip()
    tessera("node", "join", node.home, site.url, code)
    tessera("hub", "approve", site.hub_home, slug)
    publish_dataset(node.home, release_dataset(node.home, "images"))
    site.start_node(node.home)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    chromium()
    folder = tmp_path_factory.mktemp("town")
    with new_site(folder) as site:
        site.start_hub()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda hospital: add_hospital(site, *hospital), HOSPITALS))
        add_people(site)  # a data holder needs a node that has joined
        with open_hub(site.hub_home) as (hub, store):
            astrid = hub.accounts.named("astrid").person_id
            store.tools.add(counting_tool("count-lesions"), astrid, SystemClock().now())
        with tessera_package.Client(site.url) as client:
            wait_until(lambda: all(node.online for node in client.nodes()), "every node")
        with opened_browser() as browser:
            yield Town(site, browser, picture_folder(folder / "pictures"))


@pytest.mark.slow
def test_an_application_from_the_search_to_the_end_of_its_permit(town: Town) -> None:
    with town.visitor("astrid") as astrid:
        searches(astrid)
        address = writes(astrid)
        with town.visitor("kim") as kim, town.visitor("maria") as maria:
            asks_back(kim)
            answers(astrid, address)
            passes_on(kim)
            grants(maria)
            with town.visitor("jordi", "sv") as jordi:
                refuses(jordi)
            permit_id = becomes_a_permit(astrid, town, address)
            is_countersigned(astrid, town, permit_id)
            is_ended(kim, town, permit_id)
            astrid.page.reload()
            astrid.reads("This permit has been revoked", ENDED, "this no longer holds")
            assert "tessera run" not in astrid.page.locator("main").inner_text()
            astrid.picture("16-permit-ended")
    with town.visitor(language="sv") as somebody:
        reads_the_register(somebody)


def searches(astrid: Visitor) -> None:
    astrid.go("/")
    astrid.picture("01-home")
    astrid.page.get_by_role("searchbox").or_(astrid.page.locator("#home-q")).first.fill(MEN)
    astrid.page.keyboard.press("Enter")
    answer = astrid.page.locator(".answer[data-complete=yes]")
    expect(answer).to_be_visible()
    # 30 and 22 men are told as 30 and 20, 4 as too few.
    astrid.reads("50 patients", "counted by 2 of 3 datasets", "Too few to tell", "Heraklion")
    rows = astrid.page.locator("table.outcomes tbody tr")
    ticks = {row.locator("a").inner_text(): row.locator(".tick").is_checked() for row in rows.all()}
    assert list(ticks.values()) == [True, True, False], "those that counted are chosen"
    astrid.picture("02-search")
    astrid.press("Apply for access to the chosen")
    expect(astrid.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    astrid.picture("03-sign-in")
    astrid.sign_in("astrid", "a wrong password indeed")
    expect(astrid.page.get_by_role("alert")).to_be_visible()
    astrid.sign_in("astrid", PASSWORD)
    expect(astrid.page.get_by_role("heading", level=1)).to_have_text("Add to an application")
    astrid.reads("Prostate and lung, Linköping", "Prostate and lung, Valencia")
    assert "Heraklion" not in astrid.page.locator("main").inner_text()
    astrid.picture("04-basket")
    astrid.press("Add to the application")


def writes(astrid: Visitor) -> str:
    """Fill the form in wrongly, then rightly; return the application's path."""
    page = astrid.page
    astrid.reads(MEN, "30 patients", "20 patients")
    address = re.sub(r"[?#].*", "", page.url)
    page.get_by_label("Others in the project").fill("nobody.knows")
    page.get_by_label("What is it for, and whom will it help?").fill("To miss fewer tumours.")
    astrid.press("Save")
    astrid.reads("This was not saved", "nobody.knows")
    expect(page.get_by_label("Others in the project")).to_have_value("nobody.knows")
    expect(page.get_by_label("What is it for, and whom will it help?")).not_to_be_empty()
    astrid.picture("05-form-not-saved")
    page.get_by_label("Others in the project").fill("")
    astrid.press("Submit")
    astrid.reads("Something is missing before you can submit")
    n_wrong = page.locator(".field.wrong .problem").count()
    assert n_wrong > 10, "each question that lacks an answer says so beside it"
    astrid.picture("06-form-missing")
    page.locator("#missing").get_by_role("link", name="Title").click()
    page.keyboard.type(TITLE)
    for label in ("Fetch the files", "Run a tool at the hospitals", "Counts of subjects"):
        page.get_by_label(label).check()
    page.get_by_label("Research on one disease (DUO_0000007)").check()
    page.get_by_label("Principal investigator").fill("Astrid Holm")
    page.get_by_label("Organisation", exact=True).fill("Uppsala universitet")
    for label, words in (
        ("Question and method", "How often does an MR show a lesion that pathology finds?"),
        ("What comes out of it", "A table of counts, and a paper with open access."),
        ("How are the data protected?", "Two people have access. All is removed after a year."),
    ):
        page.get_by_label(label).fill(words)
    for question, choice in (
        ("Ethics approval", "Approved"),
        ("Data protection (GDPR)", "An impact assessment (DPIA) is done"),
        ("Is it meant to become a medical device (MDR)?", "No"),
        ("Is there a risk analysis of the AI, such as ALTAI?", "There is no AI in it"),
    ):
        page.get_by_role("group", name=question).get_by_label(choice, exact=True).check()
    for promise in page.locator("section", has_text="Promises").get_by_role("checkbox").all():
        promise.check()
    astrid.press("Submit")
    astrid.reads(TITLE, "First check", "The committee’s turn", "by ")
    astrid.picture("07-submitted")
    return address


def asks_back(kim: Visitor) -> None:
    kim.go("/work")
    kim.sign_in("kim", PASSWORD)
    expect(kim.page.locator(".site-nav .count")).to_contain_text("1")
    kim.reads(TITLE, "became your turn")
    kim.picture("08-your-turn")
    kim.follow(TITLE)
    kim.picture("09-first-check")
    kim.unfold("Ask the applicant something")
    kim.page.get_by_label("Your question").fill(QUESTION)
    kim.press("Send the question")
    kim.reads(QUESTION, "The applicant answers the committee")
    expect(kim.page.locator(".site-nav .count")).to_have_count(0)


def answers(astrid: Visitor, address: str) -> None:
    astrid.go("/work")
    astrid.follow(TITLE)
    astrid.reads(QUESTION, "your turn")
    astrid.picture("10-asked-back")
    astrid.page.get_by_label("Your answer to the committee").fill(ANSWER)
    astrid.press("Send the answer")
    astrid.reads(ANSWER, "The committee’s turn")
    assert astrid.page.url == address


def passes_on(kim: Visitor) -> None:
    kim.go("/work")
    kim.follow(TITLE)
    kim.reads(ANSWER)
    kim.press("Pass on to the hospitals")
    kim.reads("Hospitals decide", "Linköping decides", "Valencia decides")


def grants(maria: Visitor) -> None:
    maria.go("/work")
    maria.sign_in("maria", PASSWORD)
    maria.follow(TITLE)
    maria.unfold("Grant")
    maria.page.get_by_label("Conditions, if any").fill(CONDITION)
    maria.picture("11-grant")
    maria.press("Grant")
    maria.reads("Granted", CONDITION)


def refuses(jordi: Visitor) -> None:
    """He reads Swedish; the person at the other hospital read English."""
    jordi.go("/work")
    jordi.sign_in("jordi", PASSWORD)
    jordi.follow(TITLE)
    jordi.unfold("Avslå")
    jordi.page.get_by_label("Varför?").fill(REFUSAL)
    jordi.picture("12-refuse")
    jordi.press("Avslå")
    jordi.reads("Avslagen", REFUSAL, CONDITION)


def becomes_a_permit(astrid: Visitor, town: Town, address: str) -> str:
    """She registers a key with the command that the page shows; return the permit's id."""
    astrid.go(address)
    astrid.reads(CONDITION, REFUSAL, "Granted", "Refused", "Concluded")
    astrid.picture("13-concluded")
    astrid.follow("Register a key")
    command = astrid.page.locator("pre.type").first.inner_text()
    assert command.startswith("tessera login ")
    astrid.picture("14-account")
    config = town.site.folder / "astrid"
    typed(*command.split()[1:], "--password-stdin", lines=PASSWORD, config=config)
    astrid.page.reload()
    astrid.go(address)
    astrid.follow("See the permit")
    astrid.reads(CONDITION, "Linköping", "Astrid Holm")
    assert "Valencia" not in astrid.page.locator("main").inner_text()
    return astrid.page.url.rsplit("/", 1)[1]


def is_countersigned(astrid: Visitor, town: Town, permit_id: str) -> None:
    home = town.site.folder / "linkoping"
    book = permit_book(home)
    wait_until(lambda: has(home, permit_id), "the permit with its tool at the node")
    tessera("node", "permit", "countersign", home, permit_id, "--by", "Maria Lind", "--yes")
    assert book.still_allowed(permit_id) is None

    def is_told() -> bool:
        astrid.page.reload()
        return "Countersigned" in astrid.page.locator("main").inner_text()

    wait_until(is_told, "the hub to be told")
    astrid.picture("15-permit")
    astrid.go("/permits")
    astrid.reads(TITLE, "1 of 1 hospitals")
    astrid.picture("15-permits")
    astrid.follow(TITLE)


def has(home: Path, permit_id: str) -> bool:
    return "count-lesions" in tessera("node", "permit", "show", home, permit_id, check=False).stdout


def is_ended(kim: Visitor, town: Town, permit_id: str) -> None:
    kim.go(f"/permits/{permit_id}")
    kim.picture("15-permit-committee")
    kim.page.get_by_label("Why?").fill(ENDED)
    kim.press("End the permit")
    kim.reads("This permit has been revoked", "The committee ended it", ENDED)
    book = permit_book(town.site.folder / "linkoping")
    wait_until(lambda: book.still_allowed(permit_id) is Reason.REVOKED, "the node stops", 5)


def reads_the_register(somebody: Visitor) -> None:
    """Who has no account finds the permit and its end, and nothing that people wrote each other."""
    somebody.go("/")
    somebody.follow("Öppna registret")
    somebody.reads(TITLE, "Linköping", "Uppsala universitet", "Återkallat")
    assert "Astrid" not in somebody.page.locator("main").inner_text()
    somebody.picture("17-register")
    somebody.follow(TITLE)
    somebody.reads("To miss fewer tumours.", "Linköping sa ja", "Tillståndet återkallades")
    whole = somebody.page.content()
    for kept in ("Astrid", "Kim Berg", CONDITION, REFUSAL, QUESTION, ANSWER, ENDED, MEN):
        assert kept not in whole
    somebody.picture("18-register-permit")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/about", "20-about"),
        ("/catalogue", "21-catalogue"),
        ("/datasets/linkoping/images", "22-dataset"),
        ("/search?q=cancer+%3D+prostrate", "23-search-wrong"),
        ("/register", "24-register"),
        ("/patients", "25-patients"),
        ("/nothing-here", "26-nothing"),
    ],
)
def test_what_anybody_may_read(town: Town, path: str, name: str) -> None:
    with town.visitor() as somebody:
        somebody.go(path)
        somebody.picture(name)


@pytest.mark.slow
def test_the_main_actions_are_reached_with_the_keyboard_alone(town: Town) -> None:
    with town.visitor() as somebody:
        page, keys = somebody.page, somebody.page.keyboard
        somebody.go("/")
        keys.press("Tab")
        expect(page.locator(":focus")).to_have_class("skip")
        expect(page.locator(":focus")).to_be_in_viewport()
        keys.press("Enter")
        expect(page.locator(":focus")).to_have_id("main")
        keys.press("Tab")
        expect(page.locator(":focus")).to_have_id("home-q")
        keys.type(MEN)
        keys.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        keys.press("Enter")
        expect(page.locator(".answer[data-complete=yes]")).to_be_visible()
        page.locator("#main").focus()
        tab_to(somebody, "button[form=basket], #basket button")
        keys.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.locator("#main").focus()
        keys.press("Tab")
        keys.type("astrid")
        keys.press("Tab")
        keys.type(PASSWORD)
        keys.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Add to an application")
        tab_to(somebody, "main form button")
        keys.press("Enter")
        expect(page.locator("#datasets-title")).to_be_visible()
        seen = tab_to(somebody, "button[value=submit]")
        assert len(seen) == len(set(seen)), "the focus goes round without reaching it"


def tab_to(visitor: Visitor, selector: str, most: int = 120) -> list[str]:
    """Press the tab key until it is there; return what had the focus on the way."""
    seen: list[str] = []
    for _ in range(most):
        visitor.page.keyboard.press("Tab")
        place = visitor.page.evaluate(
            "(s) => {const e = document.activeElement, r = e.getBoundingClientRect();"
            " return [e.matches(s), e.tagName + ' ' + r.x + ',' + (r.y + scrollY)]}",
            selector,
        )
        if place[0]:
            return seen
        seen.append(place[1])
    raise AssertionError(f"{selector} is not reached with the tab key: {seen[-5:]}")
