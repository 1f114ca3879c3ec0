"""The explorer in a real browser while a node hangs, is killed and comes back.

A hub and two nodes run as programs. The pages that everybody sees are looked at in both languages,
wide, narrow and dark.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import tessera as tessera_package
from tessera.http.language import texts
from tests.browser_trial import Visitor, chromium, opened_browser, picture_folder
from tests.e2e.test_hub_with_nodes import Site, new_site
from tests.hub_trial import Program, wait_until

QUERY = "cancer = prostate and modality = MR"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium()
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Program]]]:
    chromium()
    with new_site(tmp_path_factory.mktemp("explorer")) as site:
        site.start_hub()
        nodes = {
            name: site.start_node(site.with_dataset(name, n_subjects=n_subjects))
            for name, n_subjects in (("linkoping", 36), ("valencia", 60))
        }
        with tessera_package.Client(site.url) as client:
            wait_until(lambda: all(node.online for node in client.nodes()), "both nodes")
        yield site, nodes


@pytest.mark.parametrize("language", ["en", "sv"])
def test_first_answers_come_while_a_node_hangs_and_its_own_when_it_wakes(
    town: tuple[Site, dict[str, Program]], browser: Browser, tmp_path: Path, language: str
) -> None:
    site, nodes = town
    words = texts(language)
    visitor = Visitor.at(browser, site.url, picture_folder(tmp_path), language=language)
    rows = visitor.page.locator("table.outcomes tbody tr")
    answered, hanging = rows.filter(has_text="Linkoping"), rows.filter(has_text="Valencia")
    nodes["valencia"].process.send_signal(signal.SIGSTOP)
    try:
        visitor.go("/search")
        visitor.page.get_by_label(str(words("search.label"))).fill(QUERY)
        visitor.press(str(words("search.button")))
        expect(answered.locator(".outcome-word")).to_have_text(str(words("outcome.counted.name")))
        expect(hanging.locator(".outcome-word")).to_have_text(str(words("outcome.waiting.name")))
        expect(visitor.page.locator(".total-number strong")).to_have_text("30")
        no_answer = str(words("outcome.no_answer.name"))
        expect(hanging.locator(".outcome-word")).to_have_text(no_answer, timeout=25_000)
        visitor.reads(str(words("search.complete")))
        expect(hanging.locator("td.n").first).to_contain_text("–")  # never a zero
        visitor.follow(str(words("search.permalink")))
        expect(hanging.locator(".outcome-word")).to_have_text(no_answer)
    finally:
        nodes["valencia"].process.send_signal(signal.SIGCONT)
    with tessera_package.Client(site.url) as client:
        search_id = visitor.page.url.partition("/search/")[2].partition("?")[0]
        wait_until(
            lambda: all(row.outcome == "counted" for row in client.answers(search_id).results),
            "the answer of the node that hung",
        )
    visitor.page.reload()
    expect(hanging.locator(".outcome-word")).to_have_text(str(words("outcome.counted.name")))
    expect(visitor.page.locator(".total-number strong")).to_have_text("90")
    assert visitor.faults == []
    visitor.context.close()


def test_a_node_that_was_killed_is_said_to_be_gone_and_every_page_is_whole(
    town: tuple[Site, dict[str, Program]], browser: Browser, tmp_path: Path
) -> None:
    site, nodes = town
    nodes["valencia"].kill()
    visitor = Visitor.at(browser, site.url, picture_folder(tmp_path))
    visitor.go(f"/search?q={QUERY}")
    gone = visitor.page.locator("table.outcomes tbody tr").filter(has_text="Valencia")
    expect(gone.locator(".outcome-word")).to_have_text("No answer", timeout=25_000)
    visitor.reads("30 patients", "The search is complete.", "last seen")
    visitor.follow("Address of this answer")
    visitor.picture("explorer-node-down")
    for path, name in (
        ("/", "home"),
        ("/progress", "progress"),
        ("/catalogue", "catalogue"),
        ("/datasets/linkoping/prostate-mr", "dataset"),
        ("/search", "explorer"),
        ("/search/form", "explorer-form"),
        ("/similar", "patients-like-mine"),
        ("/nodes", "nodes"),
        ("/nodes/valencia", "node"),
    ):
        response = visitor.page.goto(path)
        assert response is not None and response.ok, path
        visitor.picture(name)
    assert visitor.faults == [], "\n".join(visitor.faults)
    visitor.context.close()
