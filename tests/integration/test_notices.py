"""A holder confirms or withdraws a published dataset: real node, hub, sockets and databases."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tessera.adapters.sqlite_hub.database import time_text
from tessera.bootstrap.link import publish_dataset
from tests.hub_trial import (
    Program,
    node_home,
    released,
    tessera,
    wait_until,
    write_dataset,
)
from tests.receive_trial import free_port


@pytest.fixture
def place(tmp_path: Path) -> tuple[str, Path, Path]:
    """A hub that is not running yet and a node that has joined it."""
    url = f"http://127.0.0.1:{free_port()}"
    tessera("hub", "init", tmp_path / "hub", "--name", "Trial", "--url", url)
    return url, tmp_path / "hub", node_home(tmp_path / "node", "Linköping")


def test_a_withdrawn_dataset_says_so_and_is_asked_no_more(place: tuple[str, Path, Path]) -> None:
    url, hub_home, home = place
    port = url.rsplit(":", 1)[1]
    hub = Program(hub_home.parent / "hub.log", ("hub", "run", hub_home, "--port", port))
    hub.wait_for("hub is open at")
    try:
        code = tessera("hub", "invite", hub_home).stdout.strip()
        tessera("node", "join", home, url, code)
        tessera("hub", "approve", hub_home, "linkoping")
        write_dataset(home, "prostate-mr")
        publish_dataset(home, released("prostate-mr"))
        api, page = f"{url}/api/v1/datasets/linkoping/prostate-mr", f"{url}/datasets/linkoping"
        assert httpx.get(api).json()["confirmed_at"] is None

        tessera("node", "dataset", "confirm", home, "prostate-mr")
        assert httpx.get(api).json()["confirmed_at"]
        assert "Confirmed by its holder" in httpx.get(f"{page}/prostate-mr").text
        nobody = tessera("node", "dataset", "confirm", home, "lung-ct", check=False)
        assert nobody.returncode == 1 and "not-found" in nobody.stderr

        hub.kill()  # what the hub cannot take now is kept
        away = tessera(
            *("node", "dataset", "withdraw", home, "prostate-mr"),
            *("--reason", "Consent was asked for <anew>.", "--successor", "prostate-mr-2"),
            check=False,
        )
        assert away.returncode == 1 and "hub" in away.stderr
        hub = Program(hub_home.parent / "hub2.log", ("hub", "run", hub_home, "--port", port))
        hub.wait_for("hub is open at")
        node = Program(home.parent / "node.log", ("node", "run", home))
        try:
            wait_until(lambda: httpx.get(api).status_code == 410, "the tombstone")
            gone = httpx.get(api).json()
            assert gone["reason"] == "Consent was asked for <anew>."
            assert gone["successor"] == "prostate-mr-2"
            shown = httpx.get(f"{page}/prostate-mr", headers={"accept": "text/html"})
            assert shown.status_code == 410
            assert "Consent was asked for &lt;anew&gt;." in shown.text
            assert httpx.get(f"{api}.ttl").status_code == 410
            assert httpx.get(f"{page}/prostate-mr?version=1").status_code == 410
            assert httpx.get(f"{url}/api/v1/datasets").json()["datasets"] == []
            assert "prostate-mr" not in httpx.get(f"{url}/catalogue.ttl").text
            asked = httpx.post(f"{url}/api/v1/search", json={"query": "sex = male"}, timeout=30)
            assert asked.json()["results"] == []

            publish_dataset(home, released("prostate-mr", version=2, sha256="cd" * 32))
            assert httpx.get(api).json()["description"]["version"] == 2  # put back
        finally:
            node.kill()
        assert '"dataset-withdrawn"' in (hub_home / "audit" / "log.jsonl").read_text("utf-8")
    finally:
        hub.kill()


def test_the_holder_is_reminded_when_the_year_ends(
    place: tuple[str, Path, Path], tmp_path: Path
) -> None:
    url, hub_home, _ = place
    home = tmp_path / "whole-node"
    tessera("node", "init", home, "--name", "Linköping", "--country", "SE")
    port = url.rsplit(":", 1)[1]
    hub = Program(hub_home.parent / "hub.log", ("hub", "run", hub_home, "--port", port))
    hub.wait_for("hub is open at")
    code = tessera("hub", "invite", hub_home).stdout.strip()
    tessera("node", "join", home, url, code)
    tessera("hub", "approve", hub_home, "linkoping")
    write_dataset(home, "prostate-mr")
    publish_dataset(home, released("prostate-mr"))
    hub.terminate()
    for days, in_words, on_page in (
        (200, "", ""),
        (310, "that its description still holds", "to be confirmed soon"),
        (400, "not confirmed since", "to be confirmed"),
    ):
        published_days_ago(hub_home, days)
        hub = Program(hub_home.parent / "hub.log", ("hub", "run", hub_home, "--port", port))
        wait_until(lambda: answers(url), "the hub")
        try:
            line = "tessera node dataset confirm HOME prostate-mr"
            said = tessera("node", "status", home).stdout
            assert (line in said) == bool(in_words), said
            assert in_words in said
            page = httpx.get(f"{url}/nodes/linkoping?lang=en").text
            chip = f'<span class="chip">{on_page}</span>'
            assert (chip in page) == bool(on_page)
        finally:
            hub.terminate()
    hub = Program(hub_home.parent / "hub.log", ("hub", "run", hub_home, "--port", port))
    wait_until(lambda: answers(url), "the hub")
    try:
        tessera("node", "dataset", "confirm", home, "prostate-mr")
        assert "dataset confirm" not in tessera("node", "status", home).stdout
        assert "to be confirmed" not in httpx.get(f"{url}/nodes/linkoping?lang=en").text
    finally:
        hub.terminate()
    away = tessera("node", "status", home)
    assert away.returncode == 0 and "dataset confirm" not in away.stdout


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/summary").status_code < 500
    except httpx.TransportError:
        return False


def published_days_ago(hub_home: Path, days: int) -> None:
    """Turn the clock back for what the hub keeps: no test can wait a year."""
    at = datetime.now(UTC) - timedelta(days=days)
    with sqlite3.connect(hub_home / "hub.sqlite") as database:
        database.execute("UPDATE dataset SET published_at = ?", (time_text(at),))
    database.close()


def test_a_reason_is_needed_and_a_dataset_cannot_take_its_own_place(tmp_path: Path) -> None:
    home = node_home(tmp_path / "node", "Linköping")
    for words, said in (
        (("--reason", " "), "has a reason"),
        (("--reason", "x", "--successor", "prostate-mr"), "its own place"),
    ):
        found = tessera("node", "dataset", "withdraw", home, "prostate-mr", *words, check=False)
        assert found.returncode == 1 and said in found.stderr
