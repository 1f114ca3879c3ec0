"""Judge one series: every check of every instance against its output. Runs in a worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tessera.adapters.evaluation.boxes import PixelJudge
from tessera.adapters.evaluation.outputs import Output, read_output
from tessera.adapters.evaluation.validity import faults_of
from tessera.domain.errors import InvalidSettings
from tessera.domain.evaluation.byte_search import ByteSearch, Hit
from tessera.domain.evaluation.judge import (
    Expected,
    Interval,
    judge_interval,
    judge_missing,
    judge_value,
)
from tessera.domain.evaluation.key import Check, Entry
from tessera.domain.evaluation.texts import words_of
from tessera.domain.evaluation.verdict import Judged, Verdict, failed, passed
from tessera.ports.text_reader import TextReader


@dataclass(frozen=True, slots=True)
class SeriesJob:
    """The entries of a series with their outputs."""

    members: tuple[tuple[Entry, Path | None, Expected], ...] = field(repr=False)
    others: Mapping[str, Path] = field(default_factory=dict, repr=False)
    """Source UID → output, for instances that `interval_kept` points at."""


class SeriesJudge:
    """One per worker: the reader of text is made when the first box needs it, and kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reader: TextReader | None = None
        self._has_tried = False

    def __call__(self, job: SeriesJob) -> tuple[Judged, ...]:
        return tuple(
            self._judged(entry, path, expected, job.others) for entry, path, expected in job.members
        )

    def _judged(
        self, entry: Entry, path: Path | None, expected: Expected, others: Mapping[str, Path]
    ) -> Judged:
        uid, series = entry.sop_instance_uid, entry.series_instance_uid
        if path is None:
            return Judged(uid, series, "", tuple(judge_missing(c) for c in entry.checks))
        name = str(path.relative_to(self._root))
        try:
            output = read_output(path)
        except Exception:
            verdicts = tuple(failed(check, "unreadable") for check in entry.checks)
            return Judged(uid, series, name, verdicts)
        hits = _search(entry, output)
        pixels = PixelJudge(output, entry, self._text_reader(entry))
        verdicts = tuple(
            self._verdict(check, entry, output, expected, hits, pixels, name, others)
            for check in entry.checks
        )
        return Judged(uid, series, name, verdicts, len(hits))

    def _verdict(
        self,
        check: Check,
        entry: Entry,
        output: Output,
        expected: Expected,
        hits: tuple[Hit, ...],
        pixels: PixelJudge,
        name: str,
        others: Mapping[str, Path],
    ) -> Verdict:
        known = judge_value(check, entry, output.values, expected)
        if known is not None:
            return known
        if check.action == "pixels_hidden":
            return pixels.hidden(check)
        if check.action == "pixels_retained":
            return pixels.retained(check)
        if check.action == "interval_kept":
            return judge_interval(check, output.values, _other(check, output, others))
        if check.action == "no_identity_anywhere":
            shown = ", ".join(
                f"{h.identity} ({h.kind}, {h.encoding}, byte {h.offset})" for h in hits
            )
            return failed(check, "identity-in-file", shown) if hits else passed(check)
        if check.action == "path_clean":
            return _path(check, entry, name)
        faults = list(dict.fromkeys(faults_of(output)))
        return failed(check, "not-valid", "; ".join(faults)) if faults else passed(check)

    def _text_reader(self, entry: Entry) -> TextReader | None:
        needed = any(check.action == "pixels_hidden" for check in entry.checks)
        if needed and not self._has_tried:
            self._has_tried = True
            try:
                from tessera.adapters.rapidocr.reader import RapidTextReader

                self._reader = RapidTextReader()
            except InvalidSettings:
                self._reader = None
        return self._reader


def _other(check: Check, output: Output, others: Mapping[str, Path]) -> Mapping[str, str] | None:
    interval = Interval.parse(check.value)
    if interval is None or not interval.other_uid:
        return output.values
    path = others.get(interval.other_uid)
    if path is None:
        return None
    try:
        return read_output(path).values
    except Exception:
        return None


@lru_cache(maxsize=256)
def _byte_search(
    identities: tuple[tuple[str, str], ...], keep: frozenset[str] = frozenset()
) -> ByteSearch:
    return ByteSearch(identities, keep)


def _search(entry: Entry, output: Output) -> tuple[Hit, ...]:
    if not entry.identities:
        return ()
    keep = frozenset(
        word
        for check in entry.checks
        if check.action == "text_retained"
        for word in words_of(check.value)
    )
    search = _byte_search(entry.identities, keep)
    hits = {
        hit.identity: hit for data, pixels in output.searched() for hit in search.find(data, pixels)
    }
    return tuple(hits.values())


def _path(check: Check, entry: Entry, name: str) -> Verdict:
    uids = (entry.sop_instance_uid, entry.series_instance_uid, entry.study_instance_uid)
    if any(uid and uid in name for uid in uids):
        return failed(check, "uid-in-path")
    identities = (*entry.identities, ("id", entry.patient_id))
    found = _byte_search(tuple(i for i in identities if i[1])).find(name.encode())
    return failed(check, "identity-in-path", found[0].identity) if found else passed(check)
