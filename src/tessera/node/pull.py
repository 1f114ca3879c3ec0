"""Fetch studies from an archive: ask for each request, then fetch each study, once."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from datetime import time as time_of_day
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.ports.pacs import (
    Fetched,
    Kind,
    Pacs,
    PullBook,
    PullRequest,
    PullState,
    PullStudy,
)

_ATTEMPTS: Final = 3
_LOOK_S: Final = 30.0
"""Between two looks at the clock while the hours are wrong."""
_KEYS: Final = {
    Kind.ACCESSION: "AccessionNumber",
    Kind.PATIENT: "PatientID",
    Kind.STUDY: "StudyInstanceUID",
}
_WILD: Final = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Hours:
    """When an archive may be asked, in local time; `end` before `start` goes over midnight."""

    start: time_of_day
    end: time_of_day

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Read `20:00-06:00`. Raises InvalidInput."""
        try:
            start, end = (time_of_day.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError as err:
            raise InvalidInput(f"hours {text!r:.30}: write them as 20:00-06:00") from err
        return cls(start, end)

    def has(self, now: time_of_day) -> bool:
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPace:
    hours: Hours | None = None
    per_second: float = 0.0
    """Instances; 0 is as fast as they come."""
    local_time: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def keys_of(request: PullRequest) -> Mapping[str, str]:
    """Return the matching keys of a request (PS3.4 C.2.2.2). Raises InvalidInput."""
    if request.kind is Kind.QUERY:
        return {str(key): str(value) for key, value in json.loads(request.value).items()}
    if not request.value or _WILD & set(request.value) or "\\" in request.value:
        raise InvalidInput(
            f"a line of the {request.kind} list is empty or has a wildcard; put wildcards into a "
            "query file"
        )
    return {_KEYS[request.kind]: request.value}


def pull(book: PullBook, pacs: Pacs, pace: PullPace) -> Iterator[PullRequest | PullStudy]:
    """Yield each request when it was asked, then each study when it was tried.

    What was done before is not done again. Raises Unavailable and Refused of the archive;
    then the next run goes on.
    """
    for request in book.requests(PullState.WAITING):
        _wait_for_hours(pace)
        studies = pacs.find(keys_of(request))
        book.answered(request, studies)
        yield replace(request, state=PullState.FOUND if studies else PullState.NOTHING)
    while waiting := book.studies(PullState.WAITING):
        for study in waiting:
            _wait_for_hours(pace)
            yield _fetched(study, book, pacs, pace)


def _fetched(study: PullStudy, book: PullBook, pacs: Pacs, pace: PullPace) -> PullStudy:
    begun = pace.clock()
    seen = 0

    def on_instance() -> None:
        nonlocal seen
        seen += 1
        _keep_pace(pace, begun, seen)

    fetched = pacs.fetch(study.found.study_uid, on_instance)
    if not seen:
        _keep_pace(pace, begun, fetched.n_done)
    after = _judged(study, fetched)
    book.put(after)
    return after


def _judged(study: PullStudy, fetched: Fetched) -> PullStudy:
    attempts, expected = study.attempts + 1, study.found.n_instances
    problem = fetched.problem
    if not problem and fetched.n_failed:
        problem = f"{fetched.n_failed} instances were not sent"
    if not problem and expected is not None and fetched.n_done < expected:
        problem = f"{fetched.n_done} of {expected} instances came"
    state = PullState.DONE
    if problem:
        state = PullState.FAILED if attempts >= _ATTEMPTS else PullState.WAITING
    return replace(
        study, state=state, attempts=attempts, n_received=fetched.n_done, problem=problem
    )


def _keep_pace(pace: PullPace, begun: float, n: int) -> None:
    if pace.per_second:
        early_s = begun + n / pace.per_second - pace.clock()
        if early_s > 0:
            pace.sleep(early_s)


def _wait_for_hours(pace: PullPace) -> None:
    while pace.hours is not None and not pace.hours.has(pace.local_time().time()):
        pace.sleep(_LOOK_S)
