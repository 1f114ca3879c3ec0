"""One trainer: a tool in the sandbox that sees data, asked over its channel in frames."""

import contextlib
import threading
from collections.abc import Mapping
from typing import Final

from tessera.domain.errors import Conflict
from tessera.domain.learning.update_gate import Given, given_by
from tessera.node.supervise import Supervised
from tessera.ports.sandbox import Ended, SandboxResult
from tessera.wire.frames import Arrays, BadFrame, Frame, arrays_to, read_frame, write_frame

ROUND_TOO_LONG: Final = "round-too-long"
_PROTOCOL: Final = "protocol"
_LAST_S: Final = 10.0
"""Time for a trainer to end by itself, once its channel is closed. Seconds."""
_ANSWERS: Final = {"begin": "weights", "train": "update", "final": "final"}


class TrainerFailed(Conflict):
    """A trainer ended, was stopped, or did not answer as one does. `word` says how it ended."""

    code = "trainer-failed"
    public = "The tool did not learn."

    def __init__(self, word: str, message: str) -> None:
        super().__init__(f"{message} ({word})")
        self.word = word


class Trainer:
    """Asked by one thread at a time. What it answers has passed no gate yet."""

    def __init__(self, supervised: Supervised, *, max_bytes: int) -> None:
        self.supervised = supervised
        self._max_bytes = max_bytes
        self._result: SandboxResult | None = None
        self._ending = threading.Lock()

    def begin(self, seed: int, arguments: Mapping[str, object], *, within_s: float) -> Given:
        """Return the weights to begin with. Raises TrainerFailed, UpdateRefused."""
        asked = Frame({"type": "begin", "seed": seed, "arguments": dict(arguments)})
        return self._given(self._ask(asked, within_s))

    def train(self, number: int, weights: Arrays, *, within_s: float) -> Given:
        """Return the update of a round. Raises TrainerFailed, UpdateRefused."""
        asked = Frame({"type": "train", "round": number}, arrays_to(weights))
        return self._given(self._ask(asked, within_s))

    def final(self, weights: Arrays, *, within_s: float) -> Given:
        """Return what it says of the model at the end; its weights are empty."""
        return self._given(self._ask(Frame({"type": "final"}, arrays_to(weights)), within_s))

    def end(self) -> SandboxResult:
        """Close the channel, wait a little, and return how it ended; more than once the same."""
        with self._ending:
            if self._result is None:
                self._result = self._ended()
            return self._result

    def how_ended(self) -> str:
        """Return a word for how it came to its end."""
        result = self.end()
        is_exit = result.ended in (Ended.FAILED, Ended.DONE)
        by_itself = f"exit {result.exit_code}" if is_exit else result.ended.value
        return self.supervised.reason or by_itself

    def _ask(self, asked: Frame, within_s: float) -> Frame:
        run = self.supervised.run
        timer = threading.Timer(within_s, self.supervised.stop, [ROUND_TOO_LONG])
        timer.daemon = True
        timer.start()
        try:
            write_frame(run.stdin, asked)
            answered = read_frame(run.stdout, max_payload=self._max_bytes)
        except BadFrame as err:
            raise self._failed(f"it wrote no frame: {err}", _PROTOCOL) from err
        except (OSError, ValueError) as err:  # closed, or broken
            raise self._failed("its channel is closed", "") from err
        finally:
            timer.cancel()
        if answered is None:
            raise self._failed("it ended", "")
        if answered.type != _ANSWERS[asked.type]:
            raise self._failed(f"it answered {asked.type} with {answered.type!r:.40}", _PROTOCOL)
        return answered

    def _given(self, answered: Frame) -> Given:
        try:
            arrays = answered.arrays() if answered.payload else {}
        except BadFrame as err:
            raise self._failed(f"its arrays cannot be read: {err}", _PROTOCOL) from err
        return given_by(answered.header, arrays)

    def _failed(self, message: str, word: str) -> TrainerFailed:
        if word:
            self.supervised.stop(word)
        return TrainerFailed(self.how_ended(), message)

    def _ended(self) -> SandboxResult:
        run = self.supervised.run
        with contextlib.suppress(OSError, ValueError):
            run.stdin.close()
        timer = threading.Timer(_LAST_S, run.stop)
        timer.daemon = True
        timer.start()
        with contextlib.suppress(OSError, ValueError):
            while run.stdout.read(1 << 16):
                pass
        result = self.supervised.wait()
        timer.cancel()
        return result
