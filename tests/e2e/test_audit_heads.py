"""Node and hub keep each other's heads; a history that was rewritten is found by them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import node_audit
from tessera.domain.audit.entry import Event
from tessera.domain.cohort.result import Outcome
from tests.e2e.test_hub_with_nodes import MEN, Site, new_site
from tests.hub_trial import tessera, wait_until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        yield site


def events(home: Path) -> list[dict[str, object]]:
    shown = json.loads(tessera("audit", "show", home, "--json").stdout)
    assert isinstance(shown, list)
    return shown


def n_kept(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def verified(home: Path, against: Path) -> tuple[int, list[str]]:
    done = tessera("audit", "verify", home, "--against", against, "--json", check=False)
    return done.returncode, [found["kind"] for found in json.loads(done.stdout)["findings"]]


def test_heads_are_exchanged_and_a_rewritten_log_is_found(site: Site) -> None:
    site.start_hub()
    home = site.with_dataset("linkoping", n_subjects=36)
    node = site.start_node(home)
    hub_keeps = site.hub_home / "audit" / "kept" / "linkoping.jws"
    node_keeps = home / "link" / "heads" / "hub.jws"
    for number in range(3):
        wait_until(lambda: site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED, "an answer")
        wait_until(lambda n=number: n_kept(hub_keeps) > n, "the hub keeps a head")
    wait_until(lambda: n_kept(node_keeps) >= 2, "the node keeps heads")

    told = events(home)
    assert [one["event"] for one in told][:3] == ["joined", "published", "query-answered"]
    assert told[2]["facts"]["query"] == MEN  # type: ignore[index]
    outcomes = told[2]["facts"]["outcomes"]  # type: ignore[index]
    assert outcomes == ["prostate-mr v1: counted, 30 subjects, 30 studies"]
    at_hub = [one["event"] for one in events(site.hub_home)]
    assert at_hub[:5] == [
        *("node-invited", "node-joined", "node-approved", "published", "search-asked")
    ]
    # The first searches may come before the node's first poll and have no answer in time.
    assert set(at_hub[5:]) == {"search-asked", "answer-received"}
    assert verified(home, site.hub_home) == (0, [])
    assert verified(site.hub_home, home) == (0, [])

    node.kill()
    export = site.folder / "hub-heads.json"
    export.write_text(tessera("audit", "heads", site.hub_home).stdout, "utf-8")
    assert MEN not in export.read_text("utf-8")
    rewritten(home)
    assert tessera("audit", "verify", home).returncode == 0
    assert verified(home, export) == (4, ["forked"])
    assert verified(home, site.hub_home) == (4, ["forked"])

    site.start_node(home, "linkoping-again")
    wait_until(lambda: "fork-seen" in [one["event"] for one in events(site.hub_home)], "the alarm")
    code, kinds = verified(site.hub_home, home)
    assert (code, set(kinds)) == (4, {"forked"})


def rewritten(home: Path) -> None:
    """Do what a node's operator could: write the whole log anew, with hashes and heads."""
    old = list(node_audit(home).entries())
    shutil.rmtree(home / "audit")
    log = node_audit(home)
    for entry in old:
        if entry.event.event == "query-answered":
            facts = {**entry.event.facts, "query": "cancer = lung"}
            log.append(Event(entry.event.event, entry.event.actor, facts), entry.at)
        else:
            log.append(entry.event, entry.at)
    log.show(SystemClock().now(), party="hub", kept_there=0)
