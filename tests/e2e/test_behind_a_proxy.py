"""A node in a hospital that lets calls out through its proxy alone; a hub with TLS of its own."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tessera.bootstrap.link import publish_dataset
from tessera.domain.errors import Unavailable
from tests.certificates import Authority
from tests.hospital_proxy import PASSWORD, HospitalProxy
from tests.hub_trial import (
    Program,
    node_home,
    released,
    tessera,
    wait_until,
    write_dataset,
)
from tests.receive_trial import free_port

MEN = "cancer = prostate and modality = MR"


class Hub:
    """A hub at https://127.0.0.1, known by an authority that no machine trusts by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "tls", "research-network")
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"https://{self.address}"
        home = folder / "hub"
        tessera("hub", "init", home, "--name", "Trial hub", "--url", self.url)
        certificate, key = self.authority.issue("hub")
        port = self.address.rpartition(":")[2]
        tls = ("--tls-certificate", certificate, "--tls-key", key)
        self.program = Program(folder / "hub.log", ("hub", "run", home, "--port", port, *tls))
        self.program.wait_for(f"hub is open at {self.url}")

    def joined(self, env: Mapping[str, str]) -> Path:
        """Return the home of a node that joined, with a dataset that waits to be published."""
        home = node_home(self.folder / "linkoping", "Linköping")
        code = tessera("hub", "invite", self.folder / "hub").stdout.strip()
        tessera("node", "join", home, self.url, code, env=env)
        tessera("hub", "approve", self.folder / "hub", "linkoping")
        write_dataset(home, n_subjects=36)
        # The test itself does not trust the hub: the running node sends what waits.
        with suppress(Unavailable):
            publish_dataset(home, released(n_subjects=36))
        return home

    def ask(self) -> dict[str, object]:
        trusts = ssl.create_default_context(cafile=self.authority.file)
        with httpx.Client(base_url=self.url, verify=trusts, trust_env=False) as client:
            asked = client.post("/api/v1/search", json={"query": MEN, "wait_s": 10})
            (found,) = asked.raise_for_status().json()["results"]
            return dict(found)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.program.kill()


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def out_by(proxy: HospitalProxy, trusted: Path) -> dict[str, str]:
    none = {"NO_PROXY": "", "no_proxy": ""}
    return {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(trusted), **none}


def test_a_node_answers_through_a_proxy_that_ends_quiet_calls(
    hub: Hub, tmp_path: Path, programs: list[Program]
) -> None:
    with HospitalProxy(idle_s=5.5) as proxy:
        env = out_by(proxy, hub.authority.file)
        home = hub.joined(env)
        node = Program(tmp_path / "node.log", ("node", "run", home), env=env)
        programs.append(node)
        node.wait_for("is published")
        wait_until(lambda: hub.ask()["n_subjects"] == 30, "an answer before the first cut")
        node.wait_for("from now on each waits 5 s at most", 40)
        n_cut = proxy.n_cut
        wait_until(lambda: hub.ask()["n_subjects"] == 30, "an answer after it")
        assert n_cut and set(proxy.reached) == {hub.address}
        assert "trying again" not in node.output()
        assert PASSWORD not in node.output() + hub.program.output()


def test_a_proxy_that_reads_what_passes_is_trusted_when_the_machine_trusts_it(
    hub: Hub, tmp_path: Path, programs: list[Program]
) -> None:
    hospital = Authority(tmp_path / "tls", "hospital")
    with HospitalProxy(reads_with=hospital, trusts=str(hub.authority.file)) as proxy:
        env = out_by(proxy, hospital.file)
        home = hub.joined(env)
        node = Program(tmp_path / "node.log", ("node", "run", home), env=env)
        programs.append(node)
        node.wait_for("is published")
        wait_until(lambda: hub.ask()["n_subjects"] == 30, "an answer")
        assert b"/link/v1/answer" in proxy.read and set(proxy.reached) == {hub.address}

        code = tessera("hub", "invite", tmp_path / "hub").stdout.strip()
        other = node_home(tmp_path / "valencia", "València")
        stranger = {**env, "SSL_CERT_FILE": str(hub.authority.file)}
        refused = tessera("node", "join", other, hub.url, code, check=False, env=stranger)
        assert refused.returncode != 0
        assert "certificate verify failed" in refused.stderr
        assert "SSL_CERT_FILE" in refused.stderr


def test_a_node_without_the_proxys_password_says_what_the_proxy_said(
    hub: Hub, tmp_path: Path
) -> None:
    with HospitalProxy() as proxy:
        env = out_by(proxy, hub.authority.file)
        env["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.port}"
        code = tessera("hub", "invite", tmp_path / "hub").stdout.strip()
        home = node_home(tmp_path / "linkoping", "Linköping")
        refused = tessera("node", "join", home, hub.url, code, check=False, env=env)
        assert refused.returncode != 0
        assert "407 Proxy Authentication Required" in refused.stderr
        assert proxy.n_refused and not proxy.reached
