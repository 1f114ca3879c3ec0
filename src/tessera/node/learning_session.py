"""Between one engine's client and one trainer: answers the engine, and lets nothing else out."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from tessera.domain.access.airlock_search import Known
from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.errors import Refused, TesseraError
from tessera.domain.learning.update_gate import (
    Fault,
    GateRules,
    Given,
    UpdateRefused,
    check_global,
    check_model,
    check_round,
    release_initial,
    release_update,
)
from tessera.node.learning_report import RoundDone
from tessera.node.trainer import Trainer, TrainerFailed
from tessera.wire import fields
from tessera.wire.frames import Arrays, Frame
from tessera.wire.update_frames import update_frame

_log = logging.getLogger(__name__)
REFUSED: Final = Frame({"type": "refused"})
KEPT: Final = Frame({"type": "kept"})


class NotAllowed(Refused):
    """The training may not go on; `word` says why."""

    code = "learning-stopped"
    public = "The training may not go on at this node."

    def __init__(self, word: str) -> None:
        super().__init__(f"the training may not go on ({word})")
        self.word = word


@dataclass(kw_only=True)
class Session:
    """One training at one node, from `begin` to the final model. Nothing is answered twice.

    `answer` is called for each request of the engine; the first fault ends the session, and
    from then on every request is refused.
    """

    use_id: str
    permit_id: str
    trainer: Trainer
    initial: Given
    rules: GateRules
    known: Known
    round_s: float
    until: float
    """When all of it has to be over, by `time.monotonic`."""
    why_not: Callable[[], str]
    audit: Callable[[Event], None]
    keep: Callable[[Arrays, Given, "tuple[RoundDone, ...]"], None]
    """Lays the final model in the airlock; durable when it returns."""
    fault: str = ""
    """A word; empty while all is well."""
    is_kept: bool = False
    done: list[RoundDone] = field(default_factory=list)
    _has_begun: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def last(self) -> int:
        """The last round that was answered; 0 when none was."""
        return self.done[-1].round if self.done else 0

    def answer(self, asked: Frame) -> Frame:
        """Return what the engine gets; a refusal ends its client."""
        with self._lock:
            if self.fault or self.is_kept:
                return REFUSED
            try:
                return self._answer(asked)
            except UpdateRefused as err:
                _log.error("training %s ends here: %s", self.use_id, err)
                self.fault = f"gate {err.fault}"
            except (TrainerFailed, NotAllowed) as err:
                _log.error("training %s ends here: %s", self.use_id, err)
                self.fault = err.word
            except TesseraError as err:
                _log.error("training %s ends here: %s", self.use_id, err)
                self.fault = err.code
            except Exception:
                _log.exception("training %s ends here", self.use_id)
                self.fault = TesseraError.code
            return REFUSED

    def _answer(self, asked: Frame) -> Frame:
        self._require_allowed()
        if asked.type == "begin":
            return self._begin()
        if asked.type == "train":
            return self._train(fields.integer(asked.header, "round"), asked)
        if asked.type == "final":
            return self._final(asked)
        raise UpdateRefused(Fault.FORM, f"the engine asks {asked.type!r:.40}")

    def _begin(self) -> Frame:
        if self._has_begun or self.done:
            raise UpdateRefused(Fault.ROUND, "the engine asks to begin again")
        self._has_begun = True
        released = release_initial(self.use_id, self.initial, self.rules, self.known)
        return self._sent(0, update_frame(released))

    def _train(self, number: int, asked: Frame) -> Frame:
        check_round(number, self.last, self.rules)
        base = self._global(asked)
        given = self.trainer.train(number, base, within_s=self._within_s())
        released = release_update(
            self.use_id,
            given,
            base,
            number=number,
            last=self.last,
            rules=self.rules,
            known=self.known,
        )
        update = released.value
        frame = self._sent(number, update_frame(released))
        self.done.append(
            RoundDone(round=number, n_samples=update.n_samples, metrics=update.metrics)
        )
        return frame

    def _final(self, asked: Frame) -> Frame:
        n_rounds = fields.integer(asked.header, "rounds")
        if not self.done or not self.last <= n_rounds <= self.rules.rounds:
            raise UpdateRefused(
                Fault.ROUND, f"a final model after {n_rounds} rounds, of which {self.last} here"
            )
        weights = self._global(asked)
        given = self.trainer.final(weights, within_s=self._within_s())
        self._require_allowed()
        self.keep(weights, given, tuple(self.done))
        self.is_kept = True
        return KEPT

    def _global(self, asked: Frame) -> Arrays:
        """Return the weights that came, if they are of the model that this trainer made."""
        weights = asked.arrays()
        check_global(self.initial.weights, weights)
        check_model(weights, self.rules)
        return weights

    def _sent(self, number: int, frame: Frame) -> Frame:
        """Write down what leaves, before it leaves, and look once more whether it may."""
        self._require_allowed()
        digest, n_bytes = sha256(frame.payload).hexdigest(), len(frame.payload)
        self.audit(
            events.update_released(
                self.use_id, self.permit_id, number, sha256=digest, n_bytes=n_bytes
            )
        )
        return frame

    def _require_allowed(self) -> None:
        if word := self.why_not():
            raise NotAllowed(word)

    def _within_s(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise NotAllowed("too-long")
        return min(self.round_s, left)
