"""The stand-in for a sandbox, for somebody's own tool on made-up data."""

from pathlib import Path

import pytest

from tessera.adapters.bare_process import BareProcess
from tessera.domain.access.tool import Limits
from tessera.domain.errors import InvalidInput
from tessera.ports.sandbox import Ended, SandboxRequest, SandboxResult, SandboxRun


def started(folder: Path, code: str, **how: object) -> SandboxRun:
    (folder / "main.py").write_text(code)
    request = SandboxRequest(program=folder, entry="main.py", **how)  # type: ignore[arg-type]
    return BareProcess().start(request)


def ended(folder: Path, code: str, **how: object) -> SandboxResult:
    return started(folder, code, **how).wait()


def test_it_warns_when_it_is_made(caplog: pytest.LogCaptureFixture) -> None:
    BareProcess()
    assert "no sandbox" in caplog.text


def test_a_tool_finds_its_folders_and_its_outputs_are_taken(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "t").write_text("x")
    code = (
        "import os\nfrom pathlib import Path\n"
        "found = Path(os.environ['TESSERA_DATA'], 't').read_text()\n"
        "Path(os.environ['TESSERA_OUT'], 'a.json').write_text(found + os.environ['MORE'])\n"
        "print('seen')\n"
    )
    result = ended(tmp_path, code, mounts={"/data": data}, environment={"MORE": "y"})
    assert (result.ended, result.outputs) == (Ended.DONE, {"a.json": b"xy"}), result.log
    assert "seen" in result.log


def test_a_failure_gives_no_outputs(tmp_path: Path) -> None:
    code = (
        "import os\nopen(os.environ['TESSERA_OUT'] + '/a', 'w').write('x')\nraise SystemExit(3)\n"
    )
    result = ended(tmp_path, code)
    assert (result.ended, result.exit_code, result.outputs) == (Ended.FAILED, 3, {})


def test_it_is_stopped_by_a_person_by_its_time_and_by_its_outputs(tmp_path: Path) -> None:
    code = "import time\nprint('on', flush=True)\ntime.sleep(600)\n"
    run = started(tmp_path, code)
    assert run.is_running()
    run.stop()
    assert run.wait().ended is Ended.STOPPED
    assert ended(tmp_path, code, limits=Limits(seconds=1)).ended is Ended.TOO_LONG
    code = "import os\nopen(os.environ['TESSERA_OUT'] + '/a', 'w').write('x' * 2_000_000)\n"
    result = ended(tmp_path, code, limits=Limits(output_mb=1))
    assert (result.ended, result.outputs) == (Ended.TOO_MUCH_OUTPUT, {})


def test_a_channel_carries_bytes_both_ways(tmp_path: Path) -> None:
    code = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])\n"
    run = started(tmp_path, code, has_channel=True)
    run.stdin.write(b"abc")
    run.stdin.close()
    assert run.stdout.read() == b"cba"
    assert run.wait().ended is Ended.DONE


def test_an_entry_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.py"):
        BareProcess().start(SandboxRequest(program=tmp_path, entry="none.py"))
