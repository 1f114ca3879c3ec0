"""A hub's operator sets incidence and calls; the running hub shows them at once, and no fault."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub_trial import Program, tessera
from tests.pages.html_check import faults
from tests.receive_trial import free_port

TABLE = "area,cancer,new_cases\nEU,breast,380000\nSE,lung,4500\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    url = f"http://127.0.0.1:{free_port()}"
    home = tmp_path / "hub"
    tessera("hub", "init", home, "--name", "Trial", "--url", url)
    port = url.rsplit(":", 1)[1]
    hub = Program(tmp_path / "hub.log", ("hub", "run", home, "--port", port))
    hub.wait_for("hub is open at")
    yield home, url
    hub.terminate()


def told(url: str) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = httpx.get(f"{url}/api/v1/progress").json()
    return found


def page(url: str, lang: str) -> str:
    text = httpx.get(f"{url}/progress?lang={lang}").text
    assert not faults(text)
    return text


def test_a_table_of_ones_own_takes_the_place_of_the_shipped_one(
    place: tuple[Path, str], tmp_path: Path
) -> None:
    home, url = place
    assert "ejca.2021.07.039" in page(url, "en")
    assert [row["cancer"] for row in told(url)["coverage"]] == [
        *("breast", "colorectum", "lung", "prostate")
    ]
    file = tmp_path / "cases.csv"
    file.write_text(TABLE, "utf-8")
    tessera(
        *("hub", "incidence", "set", home, file, "--source", "A <register>", "--year", "2024"),
        *("--address", "https://example.org/cases", "--licence", "CC BY 4.0"),
    )
    assert [(row["area"], row["new_cases"]) for row in told(url)["coverage"]] == [
        *(("EU", 380_000), ("SE", 4500))
    ]
    shown = page(url, "sv")
    assert 'href="https://example.org/cases"' in shown
    assert "A &lt;register&gt;</a> (CC BY 4.0)" in shown
    assert "Europeiska unionen" in shown
    assert "Nya fall 2024" in shown
    assert "A <register>" in tessera("hub", "incidence", "show", home).stdout

    file.write_text(TABLE.replace("lung", "lungs"), "utf-8")
    refused = tessera(
        *("hub", "incidence", "set", home, file, "--source", "B", "--year", "2024"), check=False
    )
    assert refused.returncode == 1
    assert "cases.csv, row 3: cancer 'lungs'" in refused.stderr
    assert "A &lt;register&gt;" in page(url, "en"), "what was shown stays"

    tessera("hub", "incidence", "remove", home)
    assert "ejca.2021.07.039" in page(url, "en")


def test_calls_come_and_go(place: tuple[Path, str]) -> None:
    home, url = place
    assert "No call is open" in page(url, "en")
    add = ("hub", "calls", "add", home)
    tessera(
        *(*add, "https://example.org/call?a=1&b=2", "--country", "eu", "--until", "2999-01-31"),
        *("--title", "en=Call for <datasets>", "--title", "sv=Utlysning om data"),
    )
    tessera(*add, "https://example.org/past", "--title", "en=Past", "--until", "2020-01-31")
    tessera(*add, "https://example.org/help", "--title", "en=Helpdesk", "--kind", "support")
    swedish, english = page(url, "sv"), page(url, "en")
    assert 'href="https://example.org/call?a=1&amp;b=2"' in swedish
    assert "Utlysning om data" in swedish
    assert "31\N{NO-BREAK SPACE}januari 2999" in swedish
    assert '<span lang="en">Helpdesk</span>' in swedish
    assert "Call for &lt;datasets&gt;" in english
    assert "Past" not in english
    listed = json.loads(tessera("hub", "calls", "list", home, "--json").stdout)
    assert [one["call_id"] for one in listed] == ["call-for-datasets", "past", "helpdesk"]
    assert [one["call_id"] for one in told(url)["calls"]] == ["call-for-datasets", "helpdesk"]

    tessera("hub", "calls", "remove", home, "helpdesk")
    assert "Helpdesk" not in page(url, "en")
    nobody = tessera("hub", "calls", "remove", home, "helpdesk", check=False)
    assert nobody.returncode == 1
    assert "hub calls list" in nobody.stderr
    for words in (("--until", "soon"), ("--kind", "gift"), ("--country", "Sweden")):
        wrong = tessera(*add, "https://example.org", "--title", "en=x", *words, check=False)
        assert wrong.returncode in (1, 2)
        assert "Traceback" not in wrong.stderr


def test_a_file_that_cannot_be_read_shows_nothing_and_is_not_written_over(
    place: tuple[Path, str],
) -> None:
    home, url = place
    broken = home / "calls.json"
    broken.write_text('{"calls": [{"call_id": "x"', "utf-8")
    assert "No call is open" in page(url, "en")
    add = ("hub", "calls", "add", home, "https://example.org", "--title", "en=x")
    refused = tessera(*add, check=False)
    assert refused.returncode == 1
    assert "calls.json" in refused.stderr
    assert broken.read_text("utf-8").startswith('{"calls": [{')
