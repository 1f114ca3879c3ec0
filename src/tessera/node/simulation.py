"""Use case: a federated training on one machine, with each site's trainer in a sandbox of its own.

The same trainers, the same gate and the same mean as in a real one; no hub, no engine. What comes
out has passed no airlock.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Final, TypeVar

from tessera.domain.access.airlock_search import Known
from tessera.domain.access.tool import Entry, ToolBundle
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.errors import Conflict, InvalidInput
from tessera.domain.learning.aggregate import Weights, check_same_model, weighted_mean
from tessera.domain.learning.update_gate import (
    GateRules,
    Given,
    Update,
    UpdateRefused,
    release_initial,
    release_update,
    told_metrics,
)
from tessera.node.supervise import Supervised
from tessera.node.trainer import Trainer, TrainerFailed
from tessera.ports.sandbox import Ended, Sandbox, SandboxRequest, SandboxResult

T_ = TypeVar("T_")
_LOG_CHARACTERS: Final = 2000
_AT_ONCE: Final = max(1, min(4, os.cpu_count() or 1))
_MAX_BYTES: Final = 200_000_000
_MAX_CHANGE: Final = 100.0


class SimulationFailed(Conflict):
    """A simulated training did not come to its end; the message has the site and its log."""

    code = "simulation-failed"
    public = "The simulation did not come to its end."


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSite:
    name: str
    data: Path
    """What the tool sees at /data."""
    known: Known
    """What must not be in its updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is to be tried, and with what."""

    tool: ToolBundle
    program: Path
    """The tool's folder."""
    sandbox: Sandbox
    rounds: int
    arguments: Mapping[str, object] = field(default_factory=dict)
    seed: int = 1
    policy: CountPolicy = field(default_factory=CountPolicy)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRound:
    """What a site would have told in one round."""

    site: str
    round: int
    n_samples: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    weights: Weights = field(repr=False)
    rounds: tuple[SiteRound, ...]
    finals: Mapping[str, Mapping[str, float]]
    """Site → what the tool says of the final model there."""


def simulate(
    plan: Simulation,
    sites: Sequence[SimulatedSite],
    on_round: Callable[[int, Sequence[SiteRound]], None],
) -> Simulated:
    """Train over `sites`, in order of their names. Raises SimulationFailed, Unavailable."""
    if Entry.LEARN not in plan.tool.entries:
        raise InvalidInput(f"tool {plan.tool.name} has no entry learn in its tool.toml")
    ordered = sorted(sites, key=lambda site: site.name)
    if not ordered or len({site.name for site in ordered}) != len(ordered):
        raise InvalidInput("a simulation needs at least one site, and each name once")
    with ExitStack() as open_until_end, ThreadPoolExecutor(_AT_ONCE) as pool:
        at_work = [_SiteAtWork(plan, site) for site in ordered]
        for one in at_work:
            open_until_end.callback(one.close)
        first = list(pool.map(_SiteAtWork.begin, at_work))
        for one, weights in zip(at_work, first, strict=True):
            try:
                check_same_model(first[0], weights)
            except InvalidInput as err:
                raise SimulationFailed(
                    f"{one.site.name} begins with another model than "
                    f"{ordered[0].name}: {err}; make it depend on the seed and the arguments alone"
                ) from err
        weights = first[0]
        done: list[SiteRound] = []
        for number in range(1, plan.rounds + 1):
            updates = list(pool.map(_SiteAtWork.train, at_work, repeat(number), repeat(weights)))
            rows = [
                SiteRound(
                    site=one.site.name,
                    round=number,
                    n_samples=update.n_samples,
                    metrics=update.metrics,
                )
                for one, update in zip(at_work, updates, strict=True)
            ]
            done += rows
            on_round(number, rows)
            weights = weighted_mean([(u.n_samples, u.weights) for u in updates])
        at_end = pool.map(_SiteAtWork.final, at_work, repeat(weights))
        finals = {site.name: told for site, told in zip(ordered, at_end, strict=True)}
    return Simulated(weights=weights, rounds=tuple(done), finals=finals)


def tested_model(plan: Simulation, site: SimulatedSite, inputs: Path) -> Mapping[str, bytes]:
    """Return what the tool's entry `run` says of a model at a site that did not train it.

    `inputs` holds model.npz. Raises SimulationFailed, Unavailable.
    """
    if Entry.RUN not in plan.tool.entries:
        raise InvalidInput(f"tool {plan.tool.name} has no entry run, so no site can be held out")
    request = _request(plan, site, Entry.RUN)
    request = replace(request, mounts={**request.mounts, "/inputs": inputs})
    result = plan.sandbox.start(request).wait()
    if result.ended is not Ended.DONE:
        raise SimulationFailed(_with_log(site, f"the test ended: {result.ended.value}", result))
    return result.outputs


class _SiteAtWork:
    """One site at work."""

    def __init__(self, plan: Simulation, site: SimulatedSite) -> None:
        self.site = site
        self._plan = plan
        self._rules = GateRules(
            rounds=plan.rounds, policy=plan.policy, max_bytes=_MAX_BYTES, max_change=_MAX_CHANGE
        )
        limits = replace(plan.tool.limits, seconds=86_400)
        request = _request(plan, site, Entry.LEARN)
        request = replace(request, limits=limits, has_channel=True)
        supervised = Supervised(plan.sandbox.start(request), lambda: "")
        self._trainer = Trainer(supervised, max_bytes=_MAX_BYTES)

    @property
    def _within_s(self) -> float:
        return float(self._plan.tool.limits.seconds)

    def begin(self) -> Weights:
        plan = self._plan

        def ask() -> Weights:
            given = self._trainer.begin(plan.seed, plan.arguments, within_s=self._within_s)
            return release_initial("", given, self._rules, self.site.known).value.weights

        return self._told("begin", ask)

    def train(self, number: int, weights: Weights) -> Update:
        def ask() -> Update:
            given = self._trainer.train(number, weights, within_s=self._within_s)
            return release_update(
                "",
                given,
                weights,
                number=number,
                last=number - 1,
                rules=self._rules,
                known=self.site.known,
            ).value

        return self._told(f"round {number}", ask)

    def final(self, weights: Weights) -> Mapping[str, float]:
        def ask() -> Mapping[str, float]:
            given: Given = self._trainer.final(weights, within_s=self._within_s)
            return told_metrics(given.metrics)

        return self._told("final", ask)

    def close(self) -> None:
        self._trainer.supervised.stop("ended")
        self._trainer.end()

    def _told(self, step: str, ask: Callable[[], T_]) -> T_:
        try:
            return ask()
        except (TrainerFailed, UpdateRefused) as err:
            raise SimulationFailed(
                _with_log(self.site, f"{step}: {err}", self._trainer.end())
            ) from err


def _request(plan: Simulation, site: SimulatedSite, entry: Entry) -> SandboxRequest:
    return SandboxRequest(
        program=plan.program,
        entry=plan.tool.entries[entry],
        mounts={"/data": site.data},
        environment={
            "TESSERA_ARGUMENTS": "{}",
            "TESSERA_MINIMUM": str(plan.policy.minimum),
            **plan.environment,
        },
        limits=plan.tool.limits,
    )


def _with_log(site: SimulatedSite, message: str, result: SandboxResult) -> str:
    log = result.log.strip()[-_LOG_CHARACTERS:]
    return f"{site.name}: {message}" + (f"\n{log}" if log else "")
