"""What a node answers to queries, as it writes it and as the hub reads it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tessera.domain.cohort.answer import Counts, DatasetAnswer
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId, dataset_id
from tessera.wire import fields
from tessera.wire.cuts import Cuts, cuts_from_json, cuts_to_json
from tessera.wire.description_limits import MAX_OF_SUBJECTS, MAX_SUBJECTS, check_number
from tessera.wire.distributions import (
    Distributions,
    distributions_from_json,
    distributions_to_json,
)
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.released import released
from tessera.wire.search import outcome
from tessera.wire.text import is_plain

MOST_TOGETHER: Final = 50
"""Answers in one `answers` message."""
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMessage:
    """What a node's dataset versions answer to one query."""

    search_id: str
    answers: tuple[DatasetAnswer, ...]

    def to_json(self) -> dict[str, object]:
        """Raises TypeError when a count is not released, whatever the type checker saw."""
        answers = [_answer_to_json(answer) for answer in self.answers]
        return {"search_id": self.search_id, "answers": answers}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedDatasetAnswer:
    """One dataset version's answer as the hub reads it."""

    dataset_id: DatasetId
    version: int
    created: datetime
    outcome: Outcome
    n_subjects: int | None
    n_studies: int | None
    not_supported: tuple[str, ...]
    policy: str
    problem: str
    distributions: Distributions
    cuts: Cuts

    @classmethod
    def from_json(cls, body: Json) -> "ReceivedDatasetAnswer":
        found = outcome(body)
        n_subjects = fields.natural_or_none(body, "n_subjects")
        n_studies = fields.natural_or_none(body, "n_studies")
        if (found is Outcome.COUNTED) != (n_subjects is not None):
            raise BadMessage("n_subjects", "a number exactly when the outcome is counted")
        if found is not Outcome.COUNTED and n_studies is not None:
            raise BadMessage("n_studies", "null unless the outcome is counted")
        policy, problem = fields.text(body, "policy"), fields.text(body, "problem", "")
        for key, words in (("policy", policy), ("problem", problem)):
            if len(words) > 500 or not is_plain(words):
                raise BadMessage(key, "at most 500 plain characters")
        check_number("n_subjects", n_subjects, MAX_SUBJECTS, policy)
        check_number("n_studies", n_studies, MAX_OF_SUBJECTS, policy)
        distributions, cuts = distributions_from_json(body), cuts_from_json(body)
        if found is not Outcome.COUNTED and (distributions or cuts):
            raise BadMessage("distributions", "absent unless the outcome is counted")
        inner: list[tuple[str, int | None]]
        inner = [("cuts", n) for told in cuts.values() for n in told.values()]
        inner += [(name, one.n_subjects) for name, cells in distributions.items() for one in cells]
        for name, number in inner:
            check_number(name, number, n_subjects or 0, policy)
        unsupported = fields.texts(body, "not_supported")
        if (found is Outcome.NOT_SUPPORTED) != bool(unsupported):
            raise BadMessage("not_supported", "fields exactly when the outcome is not_supported")
        if len(unsupported) > 100 or not all(map(_FIELD.fullmatch, unsupported)):
            raise BadMessage("not_supported", "names of fields")
        return cls(
            dataset_id=dataset_id(fields.text(body, "dataset_id")),
            version=fields.integer(body, "version"),
            created=fields.moment(body, "created"),
            outcome=found,
            n_subjects=n_subjects,
            n_studies=n_studies,
            not_supported=unsupported,
            policy=policy,
            problem=problem,
            distributions=distributions,
            cuts=cuts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAnswer:
    """An AnswerMessage as the hub reads it."""

    search_id: str
    answers: tuple[ReceivedDatasetAnswer, ...]

    @classmethod
    def from_json(cls, body: Json) -> "ReceivedAnswer":
        return cls(
            search_id=fields.text(body, "search_id"),
            answers=fields.objects(body, "answers", ReceivedDatasetAnswer.from_json),
        )


def answers_to_json(messages: Sequence[AnswerMessage]) -> dict[str, object]:
    """Return the body of an `answers` message. Raises TypeError as `AnswerMessage.to_json`."""
    return {"answers": [message.to_json() for message in messages]}


def answers_from_json(body: Json) -> tuple[ReceivedAnswer, ...]:
    """Read the body of an `answers` message. Raises BadMessage."""
    found = fields.objects(body, "answers", ReceivedAnswer.from_json)
    if len(found) > MOST_TOGETHER:
        raise BadMessage("answers", f"at most {MOST_TOGETHER}")
    return found


def _answer_to_json(answer: DatasetAnswer) -> dict[str, object]:
    counts = None if answer.counts is None else released(answer.counts, Counts)
    told = distributions_to_json(counts.distributions) if counts else {}
    beside: dict[str, object] = {"distributions": told} if told else {}
    if counts and counts.cuts:
        beside["cuts"] = cuts_to_json(counts.cuts)
    return beside | {
        "dataset_id": answer.dataset_id,
        "version": answer.version,
        "created": fields.moment_text(answer.created),
        "outcome": answer.outcome.value,
        "n_subjects": counts.n_subjects if counts else None,
        "n_studies": counts.n_studies if counts else None,
        "not_supported": list(answer.not_supported),
        "policy": answer.policy,
        "problem": answer.problem,
    }
