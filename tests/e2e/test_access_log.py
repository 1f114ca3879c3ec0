"""A hub that logs its requests writes down no code that opens an account."""

import re
from pathlib import Path

import httpx

from tests.demo_trial import free_port
from tests.hub_trial import Program, tessera


def test_codes_do_not_come_into_the_log(tmp_path: Path) -> None:
    home, port = tmp_path / "hub", free_port()
    url = f"http://127.0.0.1:{port}"
    tessera("hub", "init", home, "--name", "Trial hub", "--url", url)
    said = tessera(
        *("hub", "user", "add", home, "anna", "--name", "Anna Ek"),
        *("--organisation", "Uppsala", "--role", "researcher", "--invite"),
    ).stdout
    link = re.search(r"http\S+set-password\?code=(\S+)", said)
    assert link is not None
    hub = Program(tmp_path / "hub.log", ["hub", "run", home, "--port", str(port), "--access-log"])
    try:
        hub.wait_for("hub is open at")
        assert httpx.get(link[0]).status_code == 200
        httpx.get(f"{url}/search", params={"q": "sex = female"})
        hub.wait_for("/search?q=")
        assert "GET /account/set-password" in hub.output()
        assert link[1] not in hub.output()
    finally:
        hub.terminate()
