"""Wire trainings at a node: two sandboxes, the bridge between them, the engine's client."""

import asyncio
from functools import cache
from pathlib import Path

import tessera
from tessera.adapters.bridge import UnixSocketBridge
from tessera.adapters.bubblewrap import BubblewrapSandbox
from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.nvflare.client import NvflareClient
from tessera.bootstrap.node import NodeSettings
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.node.learning import Learnings
from tessera.node.learning_run import Parts
from tessera.node.learning_terms import LearningLimits
from tessera.node.runs import Runs

_MB = 1_000_000


def learnings_of(home: Path, runs: Runs) -> Learnings:
    """Return what does trainings in the one process that runs the node."""
    settings = NodeSettings.load(home)
    parts = Parts(
        home=home,
        airlock=runs.airlock,
        views=runs.views,
        sandbox=runs.sandbox,
        engine_sandbox=engine_sandbox(),
        engine=NvflareClient(),
        bridge=UnixSocketBridge(),
        sealing=HpkeSealing(),
        allowed=runs.allowed,
        limits=limits_of(settings),
        policy=CountPolicy(settings.minimum_count, settings.count_step),
    )
    return Learnings(parts=parts, at_once=settings.learnings_at_once)


def limits_of(settings: NodeSettings) -> LearningLimits:
    return LearningLimits(
        is_on=settings.learning,
        rounds=settings.learning_rounds,
        seconds=settings.learning_seconds,
        wait_s=settings.learning_wait_seconds,
        model_bytes=settings.learning_model_mb * _MB,
        change=float(settings.learning_change),
    )


@cache
def engine_sandbox() -> BubblewrapSandbox:
    """Return the sandbox of an engine's client, in which this program can be imported."""
    return BubblewrapSandbox(python_folders=(Path(tessera.__file__).parent.parent,))


async def keep_learning(learnings: Learnings) -> None:
    """Do trainings for as long as the node runs."""
    working = asyncio.create_task(asyncio.to_thread(learnings.work))
    try:
        await asyncio.shield(working)
    finally:
        learnings.close()
        await working
