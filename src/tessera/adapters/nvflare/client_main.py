"""The client's process at a node: FLARE's client, on a workspace that the node itself writes.

Of the hub's kit only four files are read: two certificates, a key, and the server's address.
Nothing in it configures this process. Exit codes: 0 the final model was kept; 3 the training
ended otherwise; 4 the server is gone; 2 the kit is no kit.
"""

import argparse
import json
import os
import re
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tessera.adapters.nvflare import layout, lifeline

_ADDRESS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?:[0-9]{1,5}")
_MAX_FILE: Final = 100_000


def main() -> None:
    """Run the client of a kit until the job ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kit", type=Path, required=True)
    parser.add_argument("--bridge", type=Path, required=True)
    parser.add_argument("--gone-s", type=float, default=120.0)
    given = parser.parse_args()
    lifeline.die_with(os.getppid())
    folder = Path(tempfile.mkdtemp(prefix="tessera-engine-"))
    try:
        node, target = write_workspace(given.kit, folder)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as err:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.write(f"client ended: the kit cannot be read: {err}\n")
        sys.exit(2)
    os.environ[layout.ENV_FOLDER] = str(folder)
    os.environ[layout.ENV_BRIDGE] = str(given.bridge.absolute())
    os.environ[layout.ENV_GONE_S] = str(given.gone_s)
    os.environ[layout.ENV_WATCHED] = str(os.getpid())
    sys.stderr.write(f"client of {node} connects to {target}\n")
    _become_flare(folder, node)


def _become_flare(folder: Path, node: str) -> None:
    from tessera.adapters.nvflare import hardening

    hardening.refuse_remote_configuration()
    sys.argv[1:] = ["-m", str(folder), "-s", "fed_client.json", "--set", "secure_train=true"]
    sys.argv += [f"uid={node}", f"org={layout.ORG}", "config_folder=config"]
    sys.argv += ["heart_beat_interval=2"]
    runpy.run_module(
        "nvflare.private.fed.app.client.client_train", run_name="__main__", alter_sys=True
    )


def write_workspace(kit: Path, folder: Path) -> tuple[str, str]:
    """Write FLARE's workspace into `folder`; return the node's id and the server's address."""
    startup, local = folder / "startup", folder / "local"
    startup.mkdir()
    local.mkdir()
    for name in layout.KIT_FILES[1:]:
        layout.write_whole(startup / name, _read(kit, name))
    target = _server_address(_read(kit, "fed_client.json"))
    node = _common_name((startup / "client.crt").read_bytes())
    _write_json(startup / "fed_client.json", _startup(node, target))
    _write_json(local / "resources.json", _resources())
    _write_json(local / "authorization.json", _AUTHORIZATION)
    _write_json(local / "log_config.json", LOG_CONFIG)
    return node, target


def _read(kit: Path, name: str) -> bytes:
    with (kit / "startup" / name).open("rb") as file:
        content = file.read(_MAX_FILE + 1)
    if len(content) > _MAX_FILE:
        raise ValueError(f"{name} is too large")
    return content


def _server_address(content: bytes) -> str:
    found: dict[str, Any] = json.loads(content)
    target = str(found["servers"][0]["service"]["target"])
    if not _ADDRESS.fullmatch(target):
        raise ValueError("fed_client.json: the server's address is no host:port")
    return target


def _common_name(certificate: bytes) -> str:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.load_pem_x509_certificate(certificate).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _write_json(path: Path, content: object) -> None:
    layout.write_whole(path, json.dumps(content, indent=2).encode())


def _startup(node: str, target: str) -> dict[str, object]:
    service = {"target": target, "scheme": "grpc"}
    return {
        "format_version": 2,
        "require_signed_jobs": False,  # admission.py asks for more: one job, to the byte
        "servers": [{"name": layout.PROJECT, "service": service, "identity": layout.SERVER}],
        "client": {
            "ssl_private_key": "client.key",
            "ssl_cert": "client.crt",
            "ssl_root_cert": "rootCA.pem",
            "fqsn": node,
            "is_leaf": True,
            "connection_security": "mtls",
        },
    }


def _resources() -> dict[str, object]:
    return {
        "format_version": 2,
        "class_list_enforcement_mode": "enforce",
        "class_allow_list": [layout.EXECUTOR],
        "allow_log_streaming": False,
        "app_validator": {"path": "tessera.adapters.nvflare.admission.OnlyOurJob"},
        "client": {"retry_timeout": 30},
        "components": [
            *components("client"),
            {"id": "watch", "path": "tessera.adapters.nvflare.watch.Watch"},
        ],
    }


def components(side: str) -> list[dict[str, object]]:
    """Return FLARE's components for a side that shares out no machines."""
    launcher = f"tessera.adapters.nvflare.launch.{side.title()}Launcher"
    passthrough = "nvflare.app_common.resource_{0}s.passthrough_resource_{0}.PassthroughResource"
    managers: list[dict[str, object]] = [
        {"id": f"resource_{part}", "path": passthrough.format(part) + part.title()}
        for part in ("manager", "consumer")
    ]
    return [*(managers if side == "client" else []), {"id": "process_launcher", "path": launcher}]


_AUTHORIZATION: Final = {
    "format_version": "1.0",
    "permissions": {"hub": {"submit_job": "any", "byoc": "none"}},
}
"""The server may have its one job deployed; it may not bring code."""

LOG_CONFIG: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"nvflare.fuel.f3.cellnet": {"level": "CRITICAL"}},  # each lost message, else
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


if __name__ == "__main__":
    main()
