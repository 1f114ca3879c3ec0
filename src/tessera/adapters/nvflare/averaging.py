"""In the job's process at the hub: the rounds, and the mean of their updates."""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import abc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nvflare.apis.client import Client
from nvflare.apis.controller_spec import ClientTask, Task, TaskCompletionStatus
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.controller import Controller
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal

from tessera.adapters.nvflare import layout
from tessera.adapters.nvflare.answers import Answer, update_of
from tessera.domain.errors import InvalidInput
from tessera.domain.learning.aggregate import Weights, check_finite, check_same_model, weighted_mean
from tessera.wire.frames import arrays_from, arrays_to

_CHECK_S: Final = 0.1
_FINAL_S: Final = 60
"""How long the nodes have to take the final model."""


class _Over(Exception):
    """The training cannot go on; the message says why."""


class _Idle(Controller):
    """FLARE wants a start and an end of its own; there is nothing to do in either."""


for _name in ("start_controller", "stop_controller"):
    setattr(_Idle, _name, lambda self, fl_ctx: None)
abc.update_abstractmethods(_Idle)


class Averaging(_Idle):
    """Federated averaging by the plan in the folder."""

    def __init__(self) -> None:
        super().__init__(task_check_period=_CHECK_S)
        self._folder = Path(os.environ[layout.ENV_FOLDER])
        plan: dict[str, Any] = json.loads((self._folder / layout.PLAN).read_bytes())
        self._nodes: list[str] = sorted(plan["nodes"])
        self._n_rounds, self._n_enough = int(plan["rounds"]), int(plan["min_nodes"])
        self._round_s = int(plan["round_s"])
        self._gone: dict[str, str] = {}

    def process_result_of_unknown_task(
        self,
        client: Client,
        task_name: str,
        client_task_id: str,
        result: Shareable,
        fl_ctx: FLContext,
    ) -> None:
        """Drop an answer that came after its round."""

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """Run the plan and leave the outcome in the folder."""
        try:
            here = {client.name for client in self._engine.get_clients()}
            self._gone = {node: "did not come" for node in self._nodes if node not in here}
            weights = self._trained(self._initial(abort_signal, fl_ctx), abort_signal, fl_ctx)
            layout.write_whole(self._folder / layout.FINAL, arrays_to(weights))
            header = {"type": "final", "rounds": self._n_rounds}
            self._ask(header, weights, _FINAL_S, abort_signal, fl_ctx)
            layout.write_ended(self._folder, rounds=self._n_rounds)
        except _Over as err:
            layout.write_ended(self._folder, str(err))
        except Exception as err:  # whatever it is, the hub must not wait for it
            layout.write_ended(self._folder, f"the job failed: {type(err).__name__}: {err}")

    def _initial(self, abort_signal: Signal, fl_ctx: FLContext) -> Weights:
        """Return the given weights, or those of the first node (in order of id) that answers."""
        given = self._folder / layout.INITIAL
        if given.exists():
            return arrays_from(given.read_bytes())
        answers = self._ask({"type": "begin"}, None, self._round_s, abort_signal, fl_ctx)
        if len(answers) < self._n_enough:
            raise _Over(self._too_few("the start", len(answers), set(answers)))
        found: Weights | None = None
        for node in sorted(answers):
            try:
                weights = arrays_from(answers[node].payload)
                check_finite(weights)
                check_same_model(found or weights, weights)
            except InvalidInput as err:
                raise _Over(f"the start: {node} sent no usable weights: {err}") from err
            found = found or weights
        if not found:
            raise _Over("the start: the model has no weights")
        return found

    def _trained(self, weights: Weights, abort_signal: Signal, fl_ctx: FLContext) -> Weights:
        for number in range(1, self._n_rounds + 1):
            label = f"round {number}"
            header = {"type": "train", "round": number}
            answers = self._ask(header, weights, self._round_s, abort_signal, fl_ctx)
            updates: list[tuple[int, Weights]] = []
            for node in sorted(answers):
                try:
                    update = update_of(answers[node], weights)
                except InvalidInput as err:
                    self._gone[node] = f"sent no usable update: {err}"
                    continue
                updates.append((update.n_samples, update.weights))
                self._tell(node, number, update.n_samples, update.metrics)
            if len(updates) < self._n_enough:
                raise _Over(self._too_few(label, len(updates), set(answers)))
            weights = weighted_mean(updates)
        return weights

    def _tell(self, node: str, number: int, n_samples: int, metrics: dict[str, float]) -> None:
        line = {"node_id": node, "round": number, "n_samples": n_samples, "metrics": metrics}
        with (self._folder / layout.UPDATES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _too_few(self, label: str, n_usable: int, answered: set[str]) -> str:
        silent = dict.fromkeys(self._nodes, f"gave no answer within {self._round_s} s")
        why = {
            n: w for n, w in (silent | self._gone).items() if n not in answered or n in self._gone
        }
        told = "; ".join(f"{node} {reason}" for node, reason in sorted(why.items()))
        return f"{label}: {n_usable} of at least {self._n_enough} updates; {told}"

    def _ask(
        self,
        header: dict[str, object],
        weights: Weights | None,
        within_s: int,
        abort_signal: Signal,
        fl_ctx: FLContext,
    ) -> dict[str, Answer]:
        """Return the answers by node; waits for every node that is still there."""
        targets = [node for node in self._nodes if node not in self._gone]
        if not targets:
            return {}
        answers: dict[str, Answer] = {}
        asked = Shareable()
        asked[layout.HEADER] = json.dumps(header)
        asked[layout.PAYLOAD] = b"" if weights is None else arrays_to(weights)
        task = Task(layout.TASK, asked, timeout=within_s, result_received_cb=self._taker(answers))
        self.broadcast(task, fl_ctx, targets=targets, min_responses=0)
        until = time.monotonic() + within_s
        while not self._is_complete(targets, answers) and time.monotonic() < until:
            if (self._folder / layout.STOP).exists():
                raise _Over("stopped")
            if abort_signal.triggered:
                raise _Over(self._too_few("the engine gave up", len(answers), set(answers)))
            time.sleep(_CHECK_S)
        self.cancel_task(task, TaskCompletionStatus.OK, fl_ctx)
        return dict(answers)

    def _is_complete(self, targets: list[str], answers: dict[str, Answer]) -> bool:
        for node in targets:
            if node not in self._gone and self.get_client_disconnect_time(node):
                self._gone[node] = "left"
        return all(node in answers or node in self._gone for node in targets)

    def _taker(self, answers: dict[str, Answer]) -> Callable[..., None]:
        def take(client_task: ClientTask, fl_ctx: FLContext) -> None:
            node, result = str(client_task.client.name), client_task.result
            code = result.get_return_code() if isinstance(result, Shareable) else "no result"
            if code != ReturnCode.OK:
                self._gone[node] = "ended its part"
                return
            header, payload = result.get(layout.HEADER), result.get(layout.PAYLOAD)
            if isinstance(header, str) and isinstance(payload, bytes):
                answers[node] = Answer(header, payload)
            else:
                self._gone[node] = "answered in a form that is not understood"
            client_task.result = None

        return take
