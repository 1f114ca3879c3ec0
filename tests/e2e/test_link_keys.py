"""Keys of the link are renewed while hub and node run, driven by the console command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.bootstrap.audit import entries, verify
from tessera.bootstrap.hub import hub_keys, open_hub
from tessera.bootstrap.link import hub_status, link_keys
from tessera.domain.cohort.result import Outcome
from tessera.ports.hub_store import NodeState
from tests.e2e.test_hub_with_nodes import MEN, Site, new_site
from tests.hub_trial import tessera, wait_until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        yield site


def is_answered(site: Site) -> bool:
    return site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED


def told(home: Path) -> list[str]:
    return [entry.event.event for entry in entries(home)]


def test_both_keys_are_renewed_and_one_is_revoked_while_the_programs_run(site: Site) -> None:
    site.start_hub()
    home = site.with_dataset("linkoping", n_subjects=36)
    node = site.start_node(home)
    wait_until(lambda: is_answered(site), "an answer")

    said = tessera("node", "link-key", "renew", home).stdout
    own = link_keys(home).own
    assert own.current.fingerprint in said and len(own.former) == 1
    assert "node-key-renewed" in told(site.hub_home)
    assert is_answered(site)

    said = tessera("hub", "key", "renew", site.hub_home).stdout
    wait_until(
        lambda: link_keys(home).hub.current == hub_keys(site.hub_home).current,
        "the node follows the hub's key",
    )
    assert "hub-key-pinned" in told(home)
    assert link_keys(home).hub.current.fingerprint in said
    wait_until(lambda: is_answered(site), "an answer under both new keys")
    for one, other in ((home, site.hub_home), (site.hub_home, home)):
        assert verify(one, other).findings == ()

    tessera("hub", "revoke", site.hub_home, "linkoping")
    node.wait_for("The hub's operator has revoked this node")
    assert hub_status(home).state == "revoked"
    node.terminate()
    code = tessera("hub", "invite", site.hub_home, "--node", "linkoping").stdout.strip()
    tessera("node", "join", home, site.url, code, "--new-key")
    with open_hub(site.hub_home) as (hub, _):
        hub.joining.decide("linkoping", NodeState.APPROVED)
    site.start_node(home, "linkoping-anew")
    wait_until(lambda: is_answered(site), "an answer after joining anew")
    for one, other in ((home, site.hub_home), (site.hub_home, home)):
        assert verify(one, other).findings == ()
