"""How FLARE starts the process of a job: as our child, in our group, by our command only."""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import os
import subprocess
import sys

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_launcher_spec import (
    JobHandleSpec,
    JobLauncherSpec,
    JobProcessArgs,
    add_launcher,
)
from nvflare.app_common.job_launcher.process_launcher import ProcessHandle
from nvflare.utils.job_launcher_utils import (
    get_client_job_args,
    get_credential_env,
    get_server_job_args,
)


class _Handle(ProcessHandle):
    """FLARE's own kills the whole process group, which here is ours."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(process=process)
        self._process = process

    def terminate(self) -> None:
        self._process.kill()


class _Launcher(JobLauncherSpec):
    side = ""

    def launch_job(self, job_meta: dict[str, object], fl_ctx: FLContext) -> JobHandleSpec:
        """Start the process. Nothing of `job_meta` has a say in the command."""
        given = fl_ctx.get_prop(FLContextKey.JOB_PROCESS_ARGS)
        names = get_server_job_args if self.side == "server" else get_client_job_args
        command = [sys.executable, "-m", "tessera.adapters.nvflare.job_main"]
        command += [self.side, str(os.getpid())]
        for name in names(include_exe_module=False):
            if name in given:
                option, value = given[name]
                is_list = name == JobProcessArgs.OPTIONS
                command += [option, *(str(value).split() if is_list else [str(value)])]
        return _Handle(subprocess.Popen(command, env={**os.environ, **get_credential_env(given)}))

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.BEFORE_JOB_LAUNCH:
            add_launcher(self, fl_ctx)


class ServerLauncher(_Launcher):
    """Starts the job process beside the server."""

    side = "server"


class ClientLauncher(_Launcher):
    """Starts the job process beside the client."""

    side = "client"
