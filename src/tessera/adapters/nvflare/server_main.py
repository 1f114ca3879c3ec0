"""The server's process at the hub: FLARE's server, on a workspace written here.

`python -m tessera.adapters.nvflare.server_main FOLDER PARENT`, FOLDER as `provisioning.py`
left it, with the plan in it. What happens is told in files of FOLDER: see `layout.py`.
"""

import ipaddress
import json
import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from tessera.adapters.nvflare import hardening, layout, lifeline
from tessera.adapters.nvflare.client_main import LOG_CONFIG, components

_AUTHORIZATION: Final = {
    "format_version": "1.0",
    "permissions": {"hub": {"submit_job": "any", "byoc": "none"}},
}


def main() -> None:
    """Run the server until the training has ended."""
    folder, parent = Path(sys.argv[1]).absolute(), int(sys.argv[2])
    lifeline.die_with_starting_thread()
    lifeline.die_with(parent)
    hardening.refuse_remote_configuration()
    os.environ[layout.ENV_FOLDER] = str(folder)
    server = folder / "server"
    write_workspace(server, json.loads((folder / layout.PLAN).read_bytes()))
    sys.argv[1:] = ["-m", str(server), "-s", "fed_server.json", "--set", "secure_train=true"]
    sys.argv += [f"org={layout.ORG}", "config_folder=config"]
    runpy.run_module(
        "nvflare.private.fed.app.server.server_train", run_name="__main__", alter_sys=True
    )


def write_workspace(server: Path, plan: dict[str, Any]) -> None:
    """Write FLARE's configuration beside the server's certificates."""
    for name in ("local", "transfer", "store"):
        shutil.rmtree(server / name, ignore_errors=True)
        (server / name).mkdir()
    _write_json(server / "startup" / "fed_server.json", _startup(plan["host"], plan["port"]))
    _write_json(server / "local" / "resources.json", _resources(server, plan["silent_s"]))
    _write_json(server / "local" / "authorization.json", _AUTHORIZATION)
    _write_json(server / "local" / "log_config.json", LOG_CONFIG)


def _write_json(path: Path, content: object) -> None:
    layout.write_whole(path, json.dumps(content, indent=2).encode())


def _startup(host: str, port: int) -> dict[str, object]:
    # FLARE listens on loopback only when the name before the colon is a loopback address.
    listen = host if _is_loopback(host) else layout.SERVER
    server = {
        "name": layout.PROJECT,
        "service": {"target": f"{listen}:{port}", "scheme": "grpc"},
        "identity": layout.SERVER,
        "admin_server": listen,
        "admin_port": port,
        "ssl_private_key": "server.key",
        "ssl_cert": "server.crt",
        "ssl_root_cert": "rootCA.pem",
        "connection_security": "mtls",
    }
    return {"format_version": 2, "require_signed_jobs": False, "servers": [server]}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _resources(server: Path, silent_s: float) -> dict[str, object]:
    storage = "nvflare.app_common.storages.filesystem_storage.FilesystemStorage"
    snapshots = {"path": storage, "args": {"root_dir": str(server / "store"), "uri_root": "/"}}
    return {
        "format_version": 2,
        "class_list_enforcement_mode": "enforce",
        "class_allow_list": [layout.WORKFLOW],
        "servers": [
            {
                "admin_storage": "transfer",
                "max_num_clients": 1000,
                "heart_beat_timeout": silent_s,
                "admin_timeout": 10.0,
                "check_engine_frequency": 0.5,
                "shutdown_period": 1.0,
            }
        ],
        "snapshot_persistor": {
            "path": "nvflare.app_common.state_persistors.storage_state_persistor."
            "StorageStatePersistor",
            "args": {"uri_root": "/", "storage": snapshots},
        },
        "components": [
            {
                "id": "job_scheduler",
                "path": "nvflare.app_common.job_schedulers.job_scheduler.DefaultJobScheduler",
                "args": {"max_jobs": 1, "min_schedule_interval": 1.0},
            },
            {
                "id": "job_manager",
                "path": "nvflare.apis.impl.job_def_manager.SimpleJobDefManager",
                "args": {"uri_root": str(server / "store"), "job_store_id": "job_store"},
            },
            {"id": "job_store", "path": storage},
            *components("server"),
            {"id": "conductor", "path": "tessera.adapters.nvflare.conductor.Conductor"},
        ],
    }


if __name__ == "__main__":
    main()
