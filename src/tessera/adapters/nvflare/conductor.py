"""In the server's process: wait for the nodes, submit the one job, tell when it has failed."""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import io
import json
import os
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any, Final

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import SystemComponents
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey

from tessera.adapters.nvflare import layout

_CHECK_S: Final = 0.2
_SETTLE_S: Final = 1.0
"""FLARE's client takes orders a moment after it has registered; earlier ones are lost."""
_NOT_STARTED: Final = "FINISHED:FAILED_TO_RUN"
_MAX_TRIES: Final = 4
"""Of starting the job, while a node does not reply to the order."""
_REASON_S: Final = 3.0
"""How long the job itself has to say why it ended."""


class Conductor(FLComponent):
    """Runs the plan in the folder; a component of the server."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(os.environ[layout.ENV_FOLDER])
        self._plan: dict[str, Any] = json.loads((self._folder / layout.PLAN).read_bytes())

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.SYSTEM_START:
            engine = fl_ctx.get_engine()
            threading.Thread(target=self._run, args=(engine,), name="conductor").start()

    def _run(self, engine: Any) -> None:
        try:
            if self._have_enough_come(engine):
                time.sleep(_SETTLE_S)
                self._follow(engine)
        except Exception as err:  # whatever it is, the hub must not wait for it
            layout.write_ended(self._folder, f"the server failed: {type(err).__name__}: {err}")

    def _have_enough_come(self, engine: Any) -> bool:
        wanted = set(self._plan["nodes"])
        until = time.monotonic() + float(self._plan["join_s"])
        while True:
            missing = sorted(wanted - {client.name for client in engine.get_clients()})
            if not missing:
                return True
            if time.monotonic() > until:
                break
            time.sleep(_CHECK_S)
        if len(wanted) - len(missing) >= self._plan["min_nodes"]:
            return True
        layout.write_ended(
            self._folder,
            f"{len(wanted) - len(missing)} of at least {self._plan['min_nodes']} nodes came "
            f"within {self._plan['join_s']:g} s; not here: {', '.join(missing)}",
        )
        return False

    def _submit(self, engine: Any) -> str:
        meta: dict[str, Any] = {
            JobMetaKey.JOB_ID.value: str(uuid.uuid4()),
            JobMetaKey.JOB_NAME.value: layout.JOB_NAME,
            JobMetaKey.JOB_FOLDER_NAME.value: layout.JOB_NAME,
            JobMetaKey.SUBMITTER_NAME.value: "hub",
            JobMetaKey.SUBMITTER_ORG.value: layout.ORG,
            JobMetaKey.SUBMITTER_ROLE.value: "hub",
            JobMetaKey.DEPLOY_MAP.value: {
                layout.SERVER_APP: ["server"],
                layout.CLIENT_APP: list(self._plan["nodes"]),
            },
            JobMetaKey.RESOURCE_SPEC.value: {},
            JobMetaKey.MIN_CLIENTS.value: self._plan["min_nodes"],
        }
        with engine.new_context() as context:
            jobs = engine.get_component(SystemComponents.JOB_MANAGER)
            made: dict[str, Any] = jobs.create(meta, _job(meta), context)
        return str(made[JobMetaKey.JOB_ID.value])

    def _follow(self, engine: Any) -> None:
        jobs = engine.get_component(SystemComponents.JOB_MANAGER)
        job_id, n_tries = self._submit(engine), 1
        while layout.read_ended(self._folder) is None:
            time.sleep(_CHECK_S)
            with engine.new_context() as context:
                meta = jobs.get_job(job_id, context).meta
            status = str(meta.get(JobMetaKey.STATUS.value))
            if status == _NOT_STARTED:
                time.sleep(2 * _CHECK_S)  # the detail is written after the status
                with engine.new_context() as context:
                    meta = jobs.get_job(job_id, context).meta
            if status == _NOT_STARTED and "no reply" in str(meta) and n_tries < _MAX_TRIES:
                job_id, n_tries = self._submit(engine), n_tries + 1
            elif status.startswith("FINISHED"):
                time.sleep(_REASON_S)
                detail = meta.get(JobMetaKey.JOB_DEPLOY_DETAIL.value) or []
                refused = [str(one) for one in detail if not str(one).endswith(": OK")]
                why = "; ".join([f"the engine's job ended as {status}", *refused])
                layout.write_ended(self._folder, why)


def _job(meta: dict[str, Any]) -> bytes:
    """Return the job as FLARE stores it: our controller here, the one executor there."""
    server = {
        "format_version": 2,
        "server": {"heart_beat_timeout": 600, "task_request_interval": 0.2},
        "dead_client_grace_period": 1.0,
        "workflows": [{"id": "averaging", "path": layout.WORKFLOW, "args": {}}],
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        root = layout.JOB_NAME
        archive.writestr(f"{root}/meta.json", json.dumps(meta))
        archive.writestr(
            f"{root}/{layout.SERVER_APP}/config/config_fed_server.json", json.dumps(server)
        )
        archive.writestr(
            f"{root}/{layout.CLIENT_APP}/config/config_fed_client.json",
            layout.client_app_config(),
        )
    return made.getvalue()
