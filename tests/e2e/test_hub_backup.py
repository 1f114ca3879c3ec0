"""A hub is backed up while it runs, is lost, and comes back from the backup to its nodes."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import tessera as tessera_package
from tessera.bootstrap.audit import verify
from tessera.domain.cohort.result import Outcome
from tests.e2e.test_hub_with_nodes import MEN, Site, new_site
from tests.hub_trial import tessera, wait_until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with new_site(tmp_path) as site:
        yield site


def is_answered(site: Site) -> bool:
    return site.ask(MEN)["linkoping"].outcome is Outcome.COUNTED


def test_a_hub_that_was_lost_comes_back_from_its_backup(site: Site, tmp_path: Path) -> None:
    running = site.start_hub()
    node = site.start_node(site.with_dataset("linkoping", n_subjects=36))
    wait_until(lambda: is_answered(site), "an answer")
    backup = tmp_path / "backup"
    for _ in range(2):  # the second takes the place of the first
        said = tessera("hub", "backup", site.hub_home, backup).stdout
        assert str(backup) in said
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    with tessera_package.Client(site.url) as client:
        asked = client.search(MEN).search_id
        client.search("sex = male")

    running.kill()
    shutil.rmtree(site.hub_home)
    said = tessera("hub", "restore", backup, site.hub_home).stdout
    assert "is as it was at" in said and "revoked since" in said
    assert verify(site.hub_home).findings == ()
    site.start_hub("hub-again")
    wait_until(lambda: is_answered(site), "an answer after the restore", 60)
    assert (site.hub_home / "hub.key").stat().st_mode & 0o077 == 0
    assert "rejoin" not in node.output() and "revoked" not in node.output()
    with tessera_package.Client(site.url) as client:
        (entry,) = client.datasets()
        assert entry.description.dataset_id == "prostate-mr"
        with pytest.raises(Exception, match="not"):
            client.answers(asked)  # it was asked after the backup
    # The node keeps a newer head of the hub's log than the backup had: what is lost is not hidden.
    assert "the hub's audit log does not go on from the head that is kept here" in node.output()
    found = verify(site.hub_home, tmp_path / "linkoping").findings
    assert "truncated" in {finding.kind for finding in found}


def test_what_is_no_hub_or_is_damaged_is_refused(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    refused = tessera("hub", "backup", tmp_path, backup, check=False)
    assert refused.returncode == 1 and "is no home of a hub" in refused.stderr
    refused = tessera("hub", "backup", site.hub_home, site.hub_home / "backup", check=False)
    assert refused.returncode == 1 and "outside" in refused.stderr
    tessera("hub", "backup", site.hub_home, backup)
    refused = tessera("hub", "restore", backup, site.hub_home, check=False)
    assert refused.returncode == 1 and "is there already" in refused.stderr
    settings = backup / "state" / "hub.toml"
    settings.write_text(settings.read_text("utf-8") + "# more\n", "utf-8")
    refused = tessera("hub", "restore", backup, tmp_path / "new", check=False)
    assert refused.returncode == 1 and "hub.toml has changed in the backup" in refused.stderr
    assert not (tmp_path / "new").exists()
    node_backup = tmp_path / "other"
    node_backup.mkdir()
    refused = tessera("hub", "restore", node_backup, tmp_path / "new", check=False)
    assert refused.returncode == 1 and "holds no backup" in refused.stderr
