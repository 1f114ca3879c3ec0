"""Names that the engine's processes agree on, and how they leave results for each other."""

import json
import os
from pathlib import Path
from typing import Any, Final

PROJECT: Final = "tessera"
ORG: Final = "tessera"
SERVER: Final = "tessera-hub"
"""The server's identity: the common name in its certificate, whatever its address."""
TASK: Final = "tessera"
"""The one task; which kind of request it is stands in HEADER."""
HEADER: Final = "tessera_header"
PAYLOAD: Final = "tessera_payload"
JOB_NAME: Final = "averaging"
SERVER_APP: Final = "hub"
CLIENT_APP: Final = "node"

EXECUTOR: Final = "tessera.adapters.nvflare.executor.BridgeExecutor"
WORKFLOW: Final = "tessera.adapters.nvflare.averaging.Averaging"

KIT_FILES: Final = ("fed_client.json", "rootCA.pem", "client.crt", "client.key")
"""All that a start-up kit holds, in the folder `startup`."""

PLAN: Final = "plan.json"
INITIAL: Final = "initial.npz"
UPDATES: Final = "updates.jsonl"
FINAL: Final = "final.npz"
ENDED: Final = "ended.json"
STOP: Final = "stop"

ENV_FOLDER: Final = "TESSERA_ENGINE_FOLDER"
"""Where the processes of one end leave ENDED and the like."""
ENV_BRIDGE: Final = "TESSERA_ENGINE_BRIDGE"
ENV_GONE_S: Final = "TESSERA_ENGINE_GONE_S"
ENV_WATCHED: Final = "TESSERA_ENGINE_WATCHED"
"""Process id of the client's parent process."""

CLIENT_APP_CONFIG: Final[dict[str, Any]] = {
    "format_version": 2,
    "job_heartbeat_interval": 2.0,
    "get_task_timeout": 600.0,  # FLARE's own 5 s are too few for a large model on a slow line
    "submit_task_result_timeout": 600.0,
    "executors": [{"tasks": [TASK], "executor": {"path": EXECUTOR, "args": {}}}],
}
"""The only job that a node takes, to the byte: see `admission.py`."""


def client_app_config() -> bytes:
    """Return the client's part of the job, always the same bytes."""
    return json.dumps(CLIENT_APP_CONFIG, indent=2, sort_keys=True).encode()


def write_whole(path: Path, content: bytes) -> None:
    """Write a private file so that a reader sees all of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_ended(folder: Path, reason: str = "", *, rounds: int = 0) -> None:
    """Say once how it ended; `reason` is empty when it went well. The first word stands."""
    path = folder / ENDED
    if not path.exists():
        write_whole(path, json.dumps({"reason": reason, "rounds": rounds}).encode())


def read_ended(folder: Path) -> tuple[str, int] | None:
    """Return reason and rounds, or None while it goes on."""
    try:
        found = json.loads((folder / ENDED).read_bytes())
    except FileNotFoundError:
        return None
    return str(found["reason"]), int(found["rounds"])
