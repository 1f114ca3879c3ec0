"""Lossless JPEG through GDCM in a child process: a stream that ends GDCM ends only the child."""

import atexit
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from tessera.adapters.pixels.lossless_child import received, send
from tessera.ports.pixel_codec import Frame, NotDecoded

_SECONDS = 120.0
"""For one frame; a stream that keeps the decoder busy for longer counts as not decoded."""
_CHILD = "tessera.adapters.pixels.lossless_child"


class LosslessDecoder:
    """One child, started when it is first needed and again after its death; threads wait."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Return the child's process id; None while there is none."""
        return self._child.pid if self._child and self._owner == os.getpid() else None

    def decode(self, stream: bytes, uid: str, options: dict[str, Any]) -> tuple[Frame, str]:
        """Return a frame and its photometric interpretation.

        `options` are those of pydicom's decoder. Raises NotDecoded, also when the child dies of
        it or takes too long.
        """
        with self._turn:
            return self._decoded(stream, uid, options)

    def _decoded(self, stream: bytes, uid: str, options: dict[str, Any]) -> tuple[Frame, str]:
        child = self._running()
        late = threading.Timer(self._seconds, child.kill)
        late.daemon = True
        late.start()
        try:
            if child.stdin is None or child.stdout is None:
                raise NotDecoded("no decoder")
            send(child.stdin, {"uid": uid, "options": options}, stream)
            answer = received(child.stdout)
        except OSError:
            answer = None
        finally:
            late.cancel()
        if answer is None:
            self.close()
            raise NotDecoded("the decoder died of it")
        told, raw = answer
        if "error" in told:
            raise NotDecoded(str(told["error"]))
        array = np.frombuffer(raw, np.dtype(told["dtype"])).reshape(told["shape"])
        return array, str(told["photometric"])

    def close(self) -> None:
        """End the child, if there is one and it is ours."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not yet written goes nowhere
                    continue
        child.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        mine = self._owner == os.getpid()  # a forked worker must not share its parent's child
        if self._child is None or not mine or self._child.poll() is not None:
            if mine:
                self.close()
            paths = os.pathsep.join(path for path in sys.path if path)
            self._child = subprocess.Popen(
                [sys.executable, "-m", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )
            self._owner = os.getpid()
        return self._child


def lossless_decoder() -> LosslessDecoder:
    """Return the decoder of this process."""
    return _HERE


_HERE = LosslessDecoder()
atexit.register(_HERE.close)
