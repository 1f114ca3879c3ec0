"""`tessera hub user`, `login`, `whoami` and `logout` as programs, against a hub that runs."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.bootstrap.accounts import credentials
from tessera.bootstrap.hub import HubSettings
from tessera.domain.errors import InvalidSettings, NotSignedIn
from tests.accounts_trial import PASSWORD
from tests.hub_trial import TESSERA, Program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    run(tmp_path, "hub", "init", tmp_path / "hub")
    return tmp_path / "hub"


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[str]:
    add(tmp_path, home, "anna", "researcher")
    hub = Program(tmp_path / "hub.log", ["hub", "run", home, "--port", "0"])
    try:
        hub.wait_for("hub is open at ")
        yield hub.output().split("hub is open at ")[1].split()[0]
    finally:
        hub.terminate()


def run(
    folder: Path, *words: str | Path, typed: str = "", code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(TESSERA), *map(str, words)],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={
            **os.environ,
            "TESSERA_CONFIG": str(folder / "config"),
            "NO_PROXY": "127.0.0.1",
            "NO_COLOR": "1",
            **environment,
        },
    )
    assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
    assert PASSWORD not in done.stdout + done.stderr
    return done


def add(folder: Path, home: Path, user: str, *roles: str) -> None:
    words = [word for role in roles for word in ("--role", role)]
    options = ("--name", f"Person {user}", "--organisation", "U", "--password-stdin")
    run(folder, "hub", "user", "add", home, user, *options, *words, typed=f"{PASSWORD}\n")


def test_accounts_are_made_changed_and_closed_from_the_command_line(
    home: Path, tmp_path: Path
) -> None:
    add(tmp_path, home, "anna", "researcher")
    user = ("hub", "user")
    weak = (*user, "add", home, "bo", "--name", "Bo", "--organisation", "U", "--password-stdin")
    assert "weak-password" in run(tmp_path, *weak, typed="short\n", code=1).stderr
    assert "--password-stdin" in run(tmp_path, *weak[:-1], code=2).stderr
    invited = run(tmp_path, *weak[:-1], "--invite").stdout
    assert "/account/set-password?code=" in invited
    run(tmp_path, *user, "role", "add", home, "bo", "committee")
    unknown = run(tmp_path, *user, "role", "add", home, "bo", "holder@nowhere", code=1)
    assert "no node nowhere" in unknown.stderr
    run(tmp_path, *user, "role", "remove", home, "bo", "committee")
    run(tmp_path, *user, "role", "remove", home, "bo", "committee", code=1)
    run(tmp_path, *user, "disable", home, "anna")
    listed = json.loads(run(tmp_path, *user, "list", home, "--json").stdout)
    assert [(a["user"], a["state"], a["roles"]) for a in listed] == [
        ("anna", "closed", ["researcher"]),
        ("bo", "invited", []),
    ]
    run(tmp_path, *user, "enable", home, "anna")
    run(tmp_path, *user, "password", home, "anna", "--password-stdin", typed="yet another one\n")
    assert "anna" in run(tmp_path, *user, "list", home).stdout
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in stored and b"$argon2id$" in stored


def test_a_computer_is_made_ready_used_and_signed_out(
    running: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSERA_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(NotSignedIn, match="tessera login"):
        credentials(running)
    login = ("login", running, "--user", "anna", "--password-stdin")
    run(tmp_path, *login, typed="wrong password here\n", code=1)
    first = run(tmp_path, *login, typed=f"{PASSWORD}\n").stdout
    assert "made and registered" in first
    own = credentials(running)
    assert own.token.startswith("tsr_") and own.signer.public_key.fingerprint in first
    assert own.token not in repr(own)
    for path in (tmp_path / "config").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    again = run(tmp_path, *login, typed=f"{PASSWORD}\n").stdout
    assert own.signer.public_key.fingerprint in again and "made and" not in again
    old = run(tmp_path, "whoami", running, code=1, TESSERA_TOKEN=own.token)
    assert "not-signed-in" in old.stderr
    told = json.loads(run(tmp_path, "whoami", running, "--json").stdout)
    assert told["this_key"]["registered"] and told["person"]["roles"] == ["researcher"]
    token = credentials(running).token
    other = tmp_path / "other"
    by_token = run(other, "login", running, "--token-stdin", typed=f"{token}\n").stdout
    assert "made and registered" in by_token
    assert own.signer.public_key.fingerprint not in by_token
    run(tmp_path, "logout", running, "--forget-key")
    assert not list((tmp_path / "config").rglob("*.key"))
    run(tmp_path, "whoami", running, code=1)


def test_a_password_does_not_go_to_another_machine_in_the_clear(tmp_path: Path) -> None:
    for address in ("http://hub.example.org", "ftp://hub.example.org", "hub.example.org"):
        login = ("login", address, "--user", "anna", "--password-stdin")
        refused = run(tmp_path, *login, typed=f"{PASSWORD}\n", code=1)
        assert "invalid-input" in refused.stderr


def test_a_token_that_others_can_read_is_not_used(running: str, tmp_path: Path) -> None:
    login = ("login", running, "--user", "anna", "--password-stdin")
    run(tmp_path, *login, typed=f"{PASSWORD}\n")
    (kept,) = (tmp_path / "config").rglob("login.json")
    kept.chmod(0o644)
    assert "chmod 600" in run(tmp_path, "whoami", running, code=1).stderr
    kept.chmod(0o600)
    kept.write_text("{")
    assert "sign in again" in run(tmp_path, "whoami", running, code=1).stderr
    run(tmp_path, *login, typed=f"{PASSWORD}\n")
    run(tmp_path, "whoami", running)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('oidc_issuer = "https://login.example.org"', "belong together"),
        ('oidc_client_id = "hub"', "belong together"),
        ("oidc_name = 3", "expected text"),
        ('oidc_secret = "x"', "unknown settings"),
    ],
)
def test_a_wrong_setting_of_a_provider_stops_the_hub(home: Path, text: str, said: str) -> None:
    with (home / "hub.toml").open("a") as file:
        file.write(text)
    with pytest.raises(InvalidSettings, match=said):
        HubSettings.load(home)


def test_a_secret_that_others_can_read_stops_the_hub(home: Path, tmp_path: Path) -> None:
    with (home / "hub.toml").open("a") as file:
        file.write('oidc_issuer = "https://login.example.org"\noidc_client_id = "hub"\n')
        file.write('oidc_secret_file = "oidc.secret"\noidc_default_roles = "researcher"\n')
    listing = ("hub", "user", "list", home)
    assert "cannot be read" in run(tmp_path, *listing, code=1).stderr
    (home / "oidc.secret").write_text("secret\n")
    (home / "oidc.secret").chmod(0o644)
    assert "chmod 600" in run(tmp_path, *listing, code=1).stderr
    (home / "oidc.secret").chmod(0o600)
    run(tmp_path, *listing)
