"""The specification of Sandbox, as tests to inherit."""

import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tessera.domain.access.tool import Limits
from tessera.domain.errors import Conflict, InvalidInput
from tessera.ports.sandbox import Ended, Sandbox, SandboxRequest, SandboxResult, SandboxRun
from tessera.wire.frames import Frame, arrays_to, read_frame, write_frame

LIMITS = Limits(seconds=10, memory_mb=512, processes=16, output_mb=2)


def tool(folder: Path, code: str) -> Path:
    """Write a tool of one file, main.py."""
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(code)
    return folder


class SandboxContract:
    tmp_path: Path

    @abstractmethod
    def make(self) -> Sandbox: ...

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path

    def begin(self, code: str, **more: object) -> SandboxRun:
        given: dict[str, object] = {"limits": LIMITS, **more}
        program = tool(self.tmp_path / "tool", code)
        return self.make().start(SandboxRequest(program=program, entry="main.py", **given))  # type: ignore[arg-type]

    def run(self, code: str, **more: object) -> SandboxResult:
        return self.begin(code, **more).wait()

    def folder_of(self, files: Mapping[str, bytes]) -> Path:
        folder = self.tmp_path / "data"
        folder.mkdir(mode=0o700)
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        return folder

    def test_what_lies_in_out_comes_back(self) -> None:
        result = self.run(
            "open('/out/a.json', 'w').write('{}'); open('/out/b.png', 'wb').write(b'\\0' * 70_000)"
        )
        assert (result.ended, result.exit_code) == (Ended.DONE, 0), result.log
        assert result.outputs == {"a.json": b"{}", "b.png": b"\0" * 70_000}
        assert 0 < result.seconds < 10

    def test_a_tool_that_fails_gives_its_code_and_its_log_and_no_output(self) -> None:
        result = self.run("open('/out/a', 'w'); print('so far'); raise SystemExit(3)")
        assert (result.ended, result.exit_code, result.outputs) == (Ended.FAILED, 3, {})
        assert "so far" in result.log
        crashed = self.run("import os; os.kill(os.getpid(), 11)")
        assert (crashed.ended, crashed.exit_code) == (Ended.FAILED, -11)

    def test_only_plain_files_directly_in_out_come_back(self) -> None:
        result = self.run(
            "import os\n"
            "os.mkdir('/out/folder'); open('/out/folder/x', 'w').write('x')\n"
            "os.mkfifo('/out/pipe'); os.symlink('/etc/passwd', '/out/link')\n"
            "open('/out/one', 'w').write('x'); os.link('/out/one', '/out/two')\n"
            "for name in ('.hidden', 'with space', 'å', '-flag', 'new\\nline', 'x' * 81):\n"
            "    open('/out/' + name, 'w').write('x')\n"
            "open('/out/good.csv', 'w').write('a,b')\n"
        )
        assert result.ended is Ended.DONE, result.log
        assert result.outputs == {"good.csv": b"a,b"}
        assert "left behind" in result.log

    def test_mounts_can_be_read_and_not_written(self) -> None:
        result = self.run(
            "print(open('/data/t.csv').read())\n"
            "try:\n    open('/data/new', 'w')\n"
            "except OSError as err:\n    print(err)\n",
            mounts={"/data": self.folder_of({"t.csv": b"1;2"})},
        )
        assert result.ended is Ended.DONE, result.log
        assert "1;2" in result.log
        assert "Read-only file system" in result.log

    def test_the_libraries_of_the_program_are_there(self) -> None:
        result = self.run("import numpy, pydicom; print(numpy.ones(3).sum())")
        assert "3.0" in result.log, result.log

    def test_the_environment_is_what_was_asked_for(self) -> None:
        result = self.run("import os; print(os.environ['STEP'])", environment={"STEP": "two"})
        assert "two" in result.log

    def test_a_channel_carries_frames_both_ways(self) -> None:
        run = self.begin(
            "import sys\n"
            "n = int.from_bytes(sys.stdin.buffer.read(4), 'big'); h = sys.stdin.buffer.read(n)\n"
            "m = int.from_bytes(sys.stdin.buffer.read(8), 'big'); p = sys.stdin.buffer.read(m)\n"
            "out = sys.stdout.buffer\n"
            "out.write(n.to_bytes(4, 'big') + h + m.to_bytes(8, 'big') + p); out.flush()\n"
            "assert sys.stdin.buffer.read() == b''\n"
            "print('to the log', file=sys.stderr)\n",
            has_channel=True,
        )
        sent = Frame({"type": "weights"}, arrays_to({"w": np.arange(100_000)}))
        write_frame(run.stdin, sent)
        assert read_frame(run.stdout) == sent
        run.stdin.close()
        assert run.stdout.read() == b""
        result = run.wait()
        assert (result.ended, result.log) == (Ended.DONE, "to the log\n")

    def test_without_a_channel_there_are_no_streams(self) -> None:
        run = self.begin("import sys; assert sys.stdin.read() == ''")
        with pytest.raises(Conflict):
            _ = run.stdin
        with pytest.raises(Conflict):
            _ = run.stdout
        assert run.wait().ended is Ended.DONE

    def test_it_can_be_stopped_from_outside_more_than_once(self) -> None:
        run = self.begin("while True: pass")
        assert run.is_running()
        began = time.monotonic()
        run.stop()
        run.stop()
        result = run.wait()
        assert time.monotonic() - began < 1
        assert (result.ended, result.exit_code, result.outputs) == (Ended.STOPPED, None, {})
        run.stop()
        assert not run.is_running()
        assert run.wait() == result

    def test_time_memory_and_output_are_limited(self) -> None:
        small = Limits(seconds=1, memory_mb=100, processes=8, output_mb=1)
        assert self.run("while True: pass", limits=small).ended is Ended.TOO_LONG
        bomb = self.run("x = bytearray(10**9)", limits=small)
        assert bomb.ended is Ended.TOO_MUCH_MEMORY, bomb
        flood = self.run("open('/out/a', 'wb').write(bytes(1_500_000))", limits=small)
        assert (flood.ended, flood.outputs) == (Ended.TOO_MUCH_OUTPUT, {})
        many = self.run("for n in range(101): open(f'/out/{n}', 'w')", limits=small)
        assert (many.ended, many.outputs) == (Ended.TOO_MUCH_OUTPUT, {})

    def test_of_a_long_log_the_last_part_is_kept(self) -> None:
        result = self.run("for n in range(100_000): print(n)\nprint('\\x1b[2J')")
        assert "99999\n" in result.log
        assert len(result.log) <= 64 * 1024
        assert "\x1b" not in result.log

    def test_a_request_that_makes_no_sense_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="no file"):
            self.make().start(SandboxRequest(program=self.tmp_path, entry="absent.py"))
        taken = "data / /usr/x /tmp /proc /etc/x /../x /tool /data/../etc"
        for inside in taken.split():
            with pytest.raises(InvalidInput, match="not a place"):
                self.begin("", mounts={inside: self.tmp_path})
        with pytest.raises(InvalidInput, match="does not exist"):
            self.begin("", mounts={"/data": self.tmp_path / "absent"})
        with pytest.raises(InvalidInput, match="never both"):
            self.begin("", mounts={"/data": self.tmp_path}, has_network=True)
