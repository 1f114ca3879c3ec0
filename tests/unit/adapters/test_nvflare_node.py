"""The node's own locks: which job is taken, and what the hub's kit has a say in."""

import json
from pathlib import Path

import pytest

pytest.importorskip("nvflare", reason="NVIDIA FLARE is not installed (the extra 'federated')")

from tessera.adapters.nvflare import hardening, layout
from tessera.adapters.nvflare.admission import OnlyOurJob
from tessera.adapters.nvflare.averaging import Averaging
from tessera.adapters.nvflare.executor import BridgeExecutor


def deployed(folder: Path, config: bytes = layout.client_app_config()) -> Path:
    (folder / "config").mkdir()
    (folder / "config" / "config_fed_client.json").write_bytes(config)
    return folder


def test_the_one_job_is_taken(tmp_path: Path) -> None:
    assert OnlyOurJob().validate(str(deployed(tmp_path))) == ("", {})


def test_one_byte_more_is_refused(tmp_path: Path) -> None:
    refused, _ = OnlyOurJob().validate(str(deployed(tmp_path, layout.client_app_config() + b" ")))
    assert "own program" in refused


@pytest.mark.parametrize(
    "name",
    ["custom/x.py", "config/config_fed_client.conf", "config/log_config.json", "x", "custom/.h"],
)
def test_anything_beside_it_is_refused(tmp_path: Path, name: str) -> None:
    folder = deployed(tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    refused, _ = OnlyOurJob().validate(str(folder))
    assert name in refused


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = deployed(tmp_path)
    (folder / "custom").symlink_to("/")
    refused, _ = OnlyOurJob().validate(str(folder))
    assert "custom" in refused


def test_no_job_is_refused(tmp_path: Path) -> None:
    refused, _ = OnlyOurJob().validate(str(tmp_path))
    assert "has no" in refused


def test_the_names_in_the_job_are_those_of_the_classes() -> None:
    for name, cls in ((layout.EXECUTOR, BridgeExecutor), (layout.WORKFLOW, Averaging)):
        assert name == f"{cls.__module__}.{cls.__qualname__}"


def test_a_class_list_names_one_class() -> None:
    from tessera.adapters.nvflare import client_main

    resources = client_main._resources()
    assert resources["class_allow_list"] == [layout.EXECUTOR]
    assert resources["class_list_enforcement_mode"] == "enforce"


def test_remote_logging_and_shell_commands_are_gone() -> None:
    # In a process of its own: the change is for good.
    import subprocess
    import sys

    code = (
        "from tessera.adapters.nvflare import hardening\n"
        "hardening.refuse_remote_configuration()\n"
        "from nvflare.private.fed.client import client_req_processors, sys_cmd\n"
        "from nvflare.private.fed.client.admin_commands import AdminCommands as A\n"
        "here = client_req_processors.ClientRequestProcessors.request_processors\n"
        "print(sorted(type(p).__name__ for p in here))\n"
        "print([type(c).__name__ for c in A.commands])\n"
        "try:\n    sys_cmd.dynamic_log_config({})\n"
        "except Exception as err:\n    print(type(err).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    requests, commands, refused = done.stdout.strip().splitlines()[-3:]
    assert json.loads(requests.replace("'", '"')) == sorted(hardening.WANTED)
    assert "ConfigureJobLogCommand" not in commands
    assert "AbortCommand" in commands
    assert refused == "Refused"
