"""FLARE through the suite of the federation port; and what a hostile hub cannot do."""

import importlib.util
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tessera.adapters.nvflare import layout
from tessera.adapters.nvflare.client import NvflareClient
from tessera.adapters.nvflare.server import NvflareServer
from tessera.domain.errors import Conflict, InvalidInput, Unavailable
from tessera.testing import federation
from tessera.testing.federation import A, B, FederationContract, Run, make_plan, unpack

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nvflare") is None,
    reason="NVIDIA FLARE is not installed (the extra 'federated')",
)


@pytest.mark.long
class TestNvflare(FederationContract):
    def make_server(self, *, join_s: float = 60.0, port: int = 0) -> NvflareServer:
        return NvflareServer(join_s=join_s, port=port, silent_s=10.0)

    def make_client(self) -> NvflareClient:
        return NvflareClient(gone_s=10.0)

    def port_in(self, kit: bytes) -> int:
        return port_in(kit)


def port_in(kit: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(kit)) as archive:
        found = json.loads(archive.read("startup/fed_client.json"))
    return int(found["servers"][0]["service"]["target"].rpartition(":")[2])


@pytest.mark.slow
def test_the_server_talks_only_to_its_own_certificates(tmp_path: Path) -> None:
    server, plan = NvflareServer(join_s=60), make_plan()
    kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
    other = NvflareServer().provision(make_plan(), tmp_path / "other", host="127.0.0.1")
    right, wrong = unpack(kits[A], tmp_path / "a"), unpack(other[A], tmp_path / "x")
    port, run = port_in(kits[A]), Run()
    thread = run.start(lambda r: server.run(plan, tmp_path / "hub", None, print, r.stop.is_set))
    wait_for(port)
    root = right / "startup" / "rootCA.pem"
    assert first_bytes(port, root, right) != b""
    assert first_bytes(port, root, wrong) == b""
    assert first_bytes(port, root, None) == b""
    with pytest.raises(ssl.SSLCertVerificationError):
        first_bytes(port, wrong / "startup" / "rootCA.pem", wrong)
    run.stop.set()
    thread.join(10)
    assert isinstance(run.outcome, Unavailable)
    assert federation.processes_about(tmp_path) == []


def first_bytes(port: int, root: Path, own: Path | None) -> bytes:
    """Return what the server says after the handshake; nothing when it hangs up."""
    context = ssl.create_default_context(cafile=str(root))
    context.set_alpn_protocols(["h2"])
    if own is not None:
        context.load_cert_chain(own / "startup" / "client.crt", own / "startup" / "client.key")
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        try:
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return secure.recv(9)
        except (ssl.SSLError, ConnectionError):
            return b""


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


HOSTILE = """
import json, sys
from tessera.adapters.nvflare import layout
if any("server" in one for one in sys.orig_argv):
    config = json.loads(layout.client_app_config())
    {change}
    layout.client_app_config = lambda: json.dumps(config).encode()
"""
WITHOUT_ADMISSION = """
from tessera.adapters.nvflare import admission
admission.OnlyOurJob.validate = lambda self, folder: ("", {})
"""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("has_admission", "where"),
    [(True, "components"), (False, "executors")],
)
def test_a_job_that_names_another_class_is_refused_by_each_lock_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_admission: bool, where: str
) -> None:
    # The hub's server is made hostile: its job would run a command at the node.
    mark = tmp_path / "was-here"
    run = {"path": "subprocess.Popen", "args": {"args": ["touch", str(mark)]}}
    change = f"config['components'] = [{ ({'id': 'x'} | run)!r}]"
    if where == "executors":
        change = f"config['executors'][0]['executor']['args'] = {{'x': {run!r}}}"
    server, plan = NvflareServer(join_s=60, silent_s=10), make_plan()
    kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
    with_site(tmp_path / "evil", HOSTILE.format(change=change), monkeypatch)

    class Test(TestNvflare):
        def make_client(self) -> NvflareClient:
            return NvflareClient(gone_s=10.0, python=str(python_at_node(tmp_path, has_admission)))

    with Test().sites(tmp_path, kits, federation.TRAINERS) as sites:
        with pytest.raises(Unavailable):
            server.run(plan, tmp_path / "hub", None, lambda _: None, lambda: False)
        for site in sites.values():
            assert site.ended() != 0
            assert site.bridge.asked == []
    assert not mark.exists()
    # What the hub hears first depends on the moment; each site's own log has the reason.
    logs = "".join(site.log.read_text() for site in sites.values())
    if has_admission:
        assert "job refused: the job asks for something else than this node's own program" in logs
        assert "not authorized" not in logs
    else:
        assert "job refused" not in logs
        assert "not authorized" in logs
        assert "subprocess.Popen" in logs


def with_site(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def python_at_node(folder: Path, has_admission: bool) -> Path:
    """Return a Python for the clients, which see none of the hub's changes."""
    own = folder / "node-python"
    if not own.exists():
        own.mkdir()
        (own / "sitecustomize.py").write_text("" if has_admission else WITHOUT_ADMISSION)
        (own / "python").write_text(f'#!/bin/sh\nPYTHONPATH="{own}" exec "{sys.executable}" "$@"\n')
        (own / "python").chmod(0o755)
    return own / "python"


@pytest.mark.slow
@pytest.mark.long
def test_a_killed_hub_takes_its_server_with_it(tmp_path: Path) -> None:
    server, plan = NvflareServer(), make_plan()
    port = port_in(server.provision(plan, tmp_path / "hub", host="127.0.0.1")[A])
    code = (
        "from pathlib import Path; import sys\n"
        "from tessera.adapters.nvflare.server import NvflareServer\n"
        "from tessera.ports.federation import FederationPlan\n"
        f"plan = FederationPlan(learn_id={plan.learn_id!r}, nodes={plan.nodes!r}, rounds=3,\n"
        "    min_nodes=2, round_s=60)\n"
        "NvflareServer().run(plan, Path(sys.argv[1]), None, print, lambda: False)\n"
    )
    hub = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "hub")])
    try:
        wait_for(port)
        assert len(federation.processes_about(tmp_path)) >= 2
    finally:
        hub.kill()
        hub.wait()
    until = time.monotonic() + 20
    while left := federation.processes_about(tmp_path):
        assert time.monotonic() < until, left
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.long
def test_a_model_of_twenty_megabytes_arrives_whole(tmp_path: Path) -> None:
    server, plan = NvflareServer(join_s=60, silent_s=30), make_plan(rounds=1)
    kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
    initial = {"w": np.arange(5_000_000, dtype=np.float32)}
    with TestNvflare().sites(tmp_path, kits, federation.TRAINERS) as sites:
        trained = server.run(plan, tmp_path / "hub", initial, lambda _: None, lambda: False)
        assert {site.ended() for site in sites.values()} == {0}
    wanted = federation.expected(initial, list(federation.TRAINERS.values()), 1)
    federation.assert_same(trained.weights, wanted)
    federation.assert_same(sites[B].bridge.final, wanted)


@pytest.mark.parametrize("host", ["", "a b", "::1", "x:1", "-a", "http://hub.example.org"])
def test_a_host_that_is_none_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidInput, match="host"):
        NvflareServer().provision(make_plan(), tmp_path / "hub", host=host)


def test_without_flare_the_operator_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = tmp_path / "absent" / "nvflare"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'nvflare'\")")
    monkeypatch.setenv("PYTHONPATH", str(absent.parent))
    with pytest.raises(Unavailable, match="install the extra 'federated'"):
        NvflareServer().provision(make_plan(), tmp_path / "hub", host="127.0.0.1")


def test_hub_and_node_do_not_load_flare() -> None:
    code = (
        "import sys, tessera.adapters.nvflare.server, tessera.adapters.nvflare.client\n"
        "assert 'nvflare' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_folder_serves_one_training(tmp_path: Path) -> None:
    server, plan = NvflareServer(), make_plan()
    with pytest.raises(Conflict):
        server.run(plan, tmp_path, None, print, lambda: False)
    server.provision(plan, tmp_path / "hub", host="hub.example.org")
    with pytest.raises(Conflict):
        server.provision(make_plan(), tmp_path / "hub", host="hub.example.org")


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        server, plan = NvflareServer(port=taken.getsockname()[1]), make_plan()
        server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        with pytest.raises(Unavailable, match="in use"):
            server.run(plan, tmp_path / "hub", None, print, lambda: False)


def test_the_authority_is_forgotten_after_provisioning(tmp_path: Path) -> None:
    NvflareServer().provision(make_plan(), tmp_path / "hub", host="127.0.0.1")
    private = [
        p.name
        for p in (tmp_path / "hub").rglob("*")
        if p.is_file() and p.suffix != ".zip" and b"PRIVATE KEY" in p.read_bytes()
    ]
    assert private == ["server.key"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"servers": [{"service": {"target": "a:1 --set x=y"}}]}']
)
def test_a_kit_that_is_none_ends_the_client(tmp_path: Path, text: str) -> None:
    server, plan = NvflareServer(), make_plan()
    kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
    kit = unpack(kits[B], tmp_path / "kit")
    (kit / "startup" / "fed_client.json").write_text(text)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        NvflareClient().command(kit, tmp_path / "none.sock"),
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "kit cannot be read" in done.stderr
    assert list(temporary.iterdir()) == []


def test_a_node_reads_four_files_of_a_kit() -> None:
    assert layout.KIT_FILES == ("fed_client.json", "rootCA.pem", "client.crt", "client.key")
