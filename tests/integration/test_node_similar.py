"""A patient is picked at the node: described coarsely, shown, and nothing sent by itself."""

import html
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.opt_out import opt_out
from tessera.domain.statistics.described import query_of
from tessera.domain.zones import Identified
from tests.hub_trial import exact_description, served, trial_hub
from tests.integration.test_dataset_commands import tessera
from tests.integration.test_viewer import KEY, client, opened
from tests.pages.html_check import faults

NUMBER = "19121212-1212"
MAPPING = """
[mapping]
name = "registry"
version = "3"
[source.patient_id]
column = "pnr"
[columns]
cancer.column = "cancer"
stage.column = "stage"
sex.column = "sex"
age_at_diagnosis = { column = "age", unit = "a" }
first_treatment.column = "treated"
"""
TABLE = f"pnr,cancer,stage,sex,age,treated\n{NUMBER},prostate,II,male,62.4,surgery\n"
DESCRIBED = {"cancer": "prostate", "stage": "II", "age_at_diagnosis": "60", "sex": "male"}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    (tmp_path / "map.toml").write_text(MAPPING, "utf-8")
    node = init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))
    done = tessera(
        *("clinical", "apply", node.home, tmp_path / "table.csv"),
        *("--mapping", tmp_path / "map.toml"),
    )
    assert done.returncode == 0, done.stderr
    return open_node(node.home)


def described(node: Node, patient: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from tessera.cli import main; main()"]
    return subprocess.run(
        [*program, "node", "similar", str(node.home), "--json"],
        input=f"{patient}\n",
        capture_output=True,
        check=False,
        text=True,
    )


def test_a_patient_is_described_by_the_hospitals_number_without_age_or_treatment(
    node: Node,
) -> None:
    (said,) = json.loads(described(node, NUMBER).stdout)
    assert said["described"] == DESCRIBED
    assert said["query"] == query_of(DESCRIBED)
    assert "between 55 and 65" in said["query"]
    assert said["address"] is None  # no hub was joined
    unknown = described(node, "20000101-0000")
    assert unknown.returncode == 1
    assert "no clinical record" in unknown.stderr
    opt_out(node.home, [Identified(NUMBER)])
    refused = described(node, NUMBER)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "opted out" in refused.stderr


def test_the_page_shows_what_would_be_said_and_the_hub_only_fills_it_in(
    node: Node, tmp_path: Path
) -> None:
    subject = str(node.pseudonymiser().pseudonym(NUMBER))
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        trial.clock.at = datetime.now(UTC)  # as the node that joins by the command
        code = trial.hub.joining.invite()
        done = tessera("node", "join", node.home, url, str(code))
        assert done.returncode == 0, done.stderr
        other = trial.joined(Ed25519Signer.create(tmp_path / "other.key"), "Uppsala")
        trial.hub.catalogued.publish(other, exact_description())
        with opened(node) as (_, base):
            for language, word in (("en", "Prostate"), ("sv", "Prostata")):
                with client(base, KEY, language) as pages:
                    page = pages.get("/similar", params={"subject": subject}).text
                assert faults(page) == []
                assert word in page
                assert NUMBER not in page
                assert ">60<" in page
                assert "surgery" not in page.lower()
            with client(base, KEY) as pages:
                none = pages.get("/similar", params={"subject": "nobody<b>"}).text
                assert faults(none) == []
                assert "no clinical record" in none
            with client(base, "") as stranger:
                assert stranger.get("/similar", params={"subject": subject}).status_code == 403
        address = html.unescape(re.search(r'href="(http[^"]+/similar[^"]+)"', page)[1])  # type: ignore[index]
        assert address.startswith(url)
        given = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        assert given == DESCRIBED | {"fill": "yes"}
        form = httpx.get(address, trust_env=False)
        assert form.status_code == 200
        assert "Nothing has been asked yet" in form.text
        assert re.search(r'<option value="prostate" selected', form.text)
        assert 'value="60"' in form.text
        asked = httpx.get(url + "/similar", params=DESCRIBED, trust_env=False)
        assert asked.status_code == 303
