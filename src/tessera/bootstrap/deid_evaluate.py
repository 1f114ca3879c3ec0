"""Wire `tessera deid evaluate`: a tool's output folder against an answer key."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tessera.adapters.evaluation.keys import ToolMapping, read_entries
from tessera.adapters.evaluation.outputs import uid_of
from tessera.adapters.evaluation.series import SeriesJob, SeriesJudge
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.domain.errors import InvalidInput
from tessera.domain.evaluation.judge import Expected, Interval
from tessera.domain.evaluation.key import ACTIONS, Entry
from tessera.domain.evaluation.scores import Scores
from tessera.domain.evaluation.verdict import Judged
from tessera.ports.executor import Executor

_BATCH = 64
_LARGEST_JOB = 50
"""Instances of a series judged in one go; the parts are put together again for its score."""
_workers: dict[str, SeriesJudge] = {}


def evaluate(
    out: Path,
    key: Path,
    mapping: ToolMapping,
    *,
    only: Sequence[str] = (),
    workers: int | None = None,
    told: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> tuple[Scores, bool]:
    """Return (scores, whether the key is MIDI-B's own).

    Args:
        out: folder with the outputs of any tool.
        key: lines of JSON, or MIDI-B's database.
        mapping: what the tool made of UIDs and patient ids.
        only: actions to score; empty for all.
        workers: processes; None for one per core.
        told: called with (what, done, of) as the work goes on.

    Raises InvalidInput, OSError.
    """
    unknown = [action for action in only if action not in ACTIONS]
    if unknown:
        raise InvalidInput(f"unknown action {unknown[0]!r}; known: {', '.join(ACTIONS)}")
    if not out.is_dir():
        raise InvalidInput(f"{out} is no folder")
    out = out.absolute()
    entries, is_midi_b = read_entries(key)
    files = sorted(path for path in out.rglob("*") if path.is_file() and not path.is_symlink())
    n = workers or os.cpu_count() or 1
    executor: Executor
    if n > 1 and len(files) > _BATCH:
        executor = ProcessPool(n, _start, (out,))
    else:
        _start(out)
        executor = InProcess()
    scores = Scores()
    try:
        by_uid: dict[str, Path] = {}
        done = 0
        for batch in executor.map_unordered(_identify, _batches(files)):
            for path, uid in batch:
                scores.n_unreadable += uid is None
                if uid:
                    by_uid[uid] = min(path, by_uid.get(uid, path))
            done += len(batch)
            told("find", done, len(files))
        wanted = {mapping.uids.get(entry.sop_instance_uid, "") for entry in entries}
        scores.n_foreign = sum(uid not in wanted for uid in by_uid)
        jobs = _jobs(entries, mapping, by_uid)
        sizes: dict[str, int] = {}
        for entry in entries:
            sizes[entry.series_instance_uid] = sizes.get(entry.series_instance_uid, 0) + 1
        waiting: dict[str, list[Judged]] = {}
        done = 0
        for judged in executor.map_unordered(_judge, jobs):
            series = judged[0].series_instance_uid
            members = waiting.setdefault(series, [])
            members.extend(judged)
            if len(members) == sizes[series]:
                scores.add_series(waiting.pop(series), frozenset(only))
            done += len(judged)
            told("judge", done, len(entries))
    finally:
        executor.close()
    return scores, is_midi_b


def _batches(files: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    left = iter(files)
    return iter(lambda: tuple(islice(left, _BATCH)), ())


def _jobs(
    entries: Iterable[Entry], mapping: ToolMapping, by_uid: dict[str, Path]
) -> list[SeriesJob]:
    outputs = {
        entry.sop_instance_uid: by_uid.get(mapping.uids.get(entry.sop_instance_uid, ""))
        for entry in entries
    }
    here: set[str] = set()
    all_of: set[str] = set()
    series: dict[str, list[tuple[Entry, Path | None]]] = {}
    for entry in entries:
        uids = (entry.sop_instance_uid, entry.series_instance_uid, entry.study_instance_uid)
        all_of.update(uids)
        path = outputs[entry.sop_instance_uid]
        if path:
            here.update(uids)
        series.setdefault(entry.series_instance_uid, []).append((entry, path))
    not_written = all_of - here
    return [
        _job(members[start : start + _LARGEST_JOB], mapping, outputs, not_written)
        for members in series.values()
        for start in range(0, len(members), _LARGEST_JOB)
    ]


def _job(
    members: Sequence[tuple[Entry, Path | None]],
    mapping: ToolMapping,
    outputs: dict[str, Path | None],
    not_written: set[str],
) -> SeriesJob:
    others: dict[str, Path] = {}
    whole = []
    for entry, path in members:
        for check in entry.checks:
            interval = check.action == "interval_kept" and Interval.parse(check.value)
            if interval and (other := outputs.get(interval.other_uid)):
                others[interval.other_uid] = other
        values = {
            check.value
            for check in entry.checks
            if check.action in ("uid_consistent", "reference_resolves")
        }
        expected = Expected(
            {value: mapping.uids[value] for value in values if value in mapping.uids},
            mapping.patients.get(entry.patient_id),
            frozenset(values & not_written),
        )
        whole.append((entry, path, expected))
    return SeriesJob(tuple(whole), others)


def _start(root: Path) -> None:
    _workers["here"] = SeriesJudge(root)


def _identify(paths: Sequence[Path]) -> tuple[tuple[Path, str | None], ...]:
    return tuple((path, uid_of(path)) for path in paths)


def _judge(job: SeriesJob) -> tuple[Judged, ...]:
    return _workers["here"](job)
