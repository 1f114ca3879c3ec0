"""What the engine's processes take no orders about, though FLARE would let a server ask.

FLARE lets a server administrator change a client's logging by a dictionary, which can name any
callable, and run listed shell commands. A node has no use for either.
"""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

from typing import Any, Final

from tessera.domain.errors import Refused

WANTED: Final = frozenset(
    {
        "CheckResourceProcessor",
        "CancelResourceProcessor",
        "DeployProcessor",
        "StartJobProcessor",
        "NotifyJobStatusProcessor",
        "ClientStatusProcessor",
        "AbortAppProcessor",
        "AbortTaskProcessor",
    }
)


def refuse_remote_configuration() -> None:
    """Drop every request that is not needed to run the one job."""
    from nvflare.fuel.utils import log_utils
    from nvflare.private.fed.client import admin_commands, sys_cmd, training_cmds
    from nvflare.private.fed.client.client_req_processors import ClientRequestProcessors

    for module in (log_utils, admin_commands, sys_cmd, training_cmds):
        if hasattr(module, "dynamic_log_config"):
            vars(module)["dynamic_log_config"] = _refuse
    requests: list[Any] = ClientRequestProcessors.request_processors
    requests[:] = [one for one in requests if type(one).__name__ in WANTED]
    commands: list[Any] = admin_commands.AdminCommands.commands
    commands[:] = [one for one in commands if type(one).__name__ != "ConfigureJobLogCommand"]


def _refuse(*_: object, **__: object) -> None:
    raise Refused("logging is configured at this end only")
