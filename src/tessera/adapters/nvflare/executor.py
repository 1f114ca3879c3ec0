"""What runs at a node for the hub: hand each request to the node's bridge, and its answer back.

It reads no weights: they pass as bytes between the hub and the node's own gate.
"""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any, Final

from nvflare.apis.executor import Executor
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.apis.signal import Signal

from tessera.adapters.nvflare import layout
from tessera.domain.errors import TesseraError
from tessera.wire.frames import Frame, read_frame, write_frame

_ANSWERS: Final = {"begin": "weights", "train": "update", "final": "kept"}
_CHECK_S: Final = 0.2


class BridgeExecutor(Executor):
    """Speaks frames with the node over the Unix socket named in the environment."""

    def __init__(self) -> None:
        super().__init__()
        self._bridge = os.environ[layout.ENV_BRIDGE]
        self._folder = Path(os.environ[layout.ENV_FOLDER])

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Return the bridge's answer to the one request in `shareable`."""
        try:
            asked = _request(shareable)
            answered = self._exchange(asked, abort_signal)
            if answered.type != _ANSWERS[asked.type]:
                raise _Refusal(f"the node answered {asked.type!r} with {answered.type!r}")
        except (_Refusal, TesseraError, OSError) as err:
            layout.write_ended(self._folder, str(err) or type(err).__name__)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        reply = make_reply(ReturnCode.OK)
        reply[layout.HEADER] = json.dumps(dict(answered.header))
        reply[layout.PAYLOAD] = answered.payload
        if asked.type == "final":
            layout.write_ended(self._folder, rounds=int(str(asked.header["rounds"])))
        return reply

    def _exchange(self, asked: Frame, abort_signal: Signal) -> Frame:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        outcome: list[Frame | Exception | None] = []

        def talk() -> None:
            try:
                connection.connect(self._bridge)
                with connection.makefile("wb") as to_node, connection.makefile("rb") as from_node:
                    write_frame(to_node, asked)
                    outcome.append(read_frame(from_node))
            except Exception as err:  # handed to the thread that waits
                outcome.append(err)

        with connection:
            thread = threading.Thread(target=talk, name="bridge", daemon=True)
            thread.start()
            while thread.is_alive():
                thread.join(_CHECK_S)
                if abort_signal.triggered:
                    _hang_up(connection)
                    raise _Refusal("the hub ended the training")
        found = outcome[0]
        if isinstance(found, Frame):
            return found
        if isinstance(found, Exception):
            raise found
        raise _Refusal("the node closed the bridge without an answer")


class _Refusal(Exception):
    """Why this client stops."""


def _request(shareable: Shareable) -> Frame:
    """Return the frame for a request of the hub; only known kinds, with plain numbers."""
    try:
        asked: dict[str, Any] = json.loads(shareable[layout.HEADER])
        payload = shareable[layout.PAYLOAD]
        kind = asked["type"]
        if kind not in _ANSWERS or not isinstance(payload, bytes):
            raise _Refusal("the hub asked for something unknown")
        extra = {"train": "round", "final": "rounds"}.get(kind)
        header = {"type": kind} | ({extra: int(asked[extra])} if extra else {})
    except (KeyError, TypeError, ValueError) as err:
        raise _Refusal("the hub asked in a form that is not understood") from err
    return Frame(header, payload)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
