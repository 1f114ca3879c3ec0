"""A released model as a node keeps it, and what its card says. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from tessera.domain.case.errors import InvalidModel

MAX_CARD_BYTES = 200_000
_HASH = re.compile(r"[0-9a-f]{64}")
_WORDS = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTest:
    """How well the model did on data that it had not seen."""

    value: float
    """AUC, 0 to 1."""
    low: float
    high: float
    level: float = 0.95
    """Of the interval."""
    n_subjects: int | None = None

    def told(self) -> str:
        """Return one line: value, interval, and how many subjects."""
        about = f", {self.n_subjects} subjects" if self.n_subjects is not None else ""
        return (
            f"AUC {self.value:.3f} ({self.level * 100:.0f} % interval {self.low:.3f} to "
            f"{self.high:.3f}{about})"
        )

    def as_json(self) -> dict[str, object]:
        interval = {"value": self.value, "low": self.low, "high": self.high}
        return {"auc": interval, "level": self.level, "n_subjects": self.n_subjects}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model beside its weights. Everything may be absent."""

    name: str = ""
    intended_use: str = ""
    external_test: ExternalTest | None = None

    @classmethod
    def parse(cls, content: bytes) -> "ModelCard":
        """Read a card, or the `metrics.json` of an external test. Raises InvalidModel."""
        if len(content) > MAX_CARD_BYTES:
            raise InvalidModel(f"card: more than {MAX_CARD_BYTES} bytes")
        try:
            raw = json.loads(content)
        except (ValueError, RecursionError) as err:
            raise InvalidModel("card: expected JSON") from err
        if not isinstance(raw, dict):
            raise InvalidModel("card: expected a JSON object")
        test = raw if "auc" in raw else raw.get("external_test")
        return cls(
            name=_text(raw, "name"),
            intended_use=_text(raw, "intended_use"),
            external_test=None if test is None else _external_test(test),
        )

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "intended_use": self.intended_use,
            "external_test": self.external_test and self.external_test.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedModel:
    """A model that this node may use on a study, with the tool that reads it."""

    sha256: str
    """Of its file: its id."""
    n_bytes: int
    tool: str
    """Digest."""
    tool_name: str
    tool_version: str
    card: ModelCard
    origin: str
    """`by hand`, or the training that it was released from."""


def model_id(text: str) -> str:
    """Return a model's id, or the beginning of one. Raises InvalidModel."""
    lowered = text.lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{6,64}", lowered):
        raise InvalidModel(
            f"{text[:80]!r} names no model: the first 6 or more digits of its SHA-256"
        )
    return lowered


def is_whole_id(text: str) -> bool:
    return bool(_HASH.fullmatch(text))


def _text(raw: Mapping[str, object], key: str) -> str:
    value = raw.get(key) or ""
    if not isinstance(value, str) or (value and not _WORDS.fullmatch(value)):
        raise InvalidModel(f"card: {key}: one line of at most 200 characters")
    return value


def _external_test(raw: object) -> ExternalTest:
    if not isinstance(raw, dict) or not isinstance(raw.get("auc"), dict):
        raise InvalidModel('card: external_test: expected {"auc": {"value", "low", "high"}, …}')
    auc = raw["auc"]
    value, low, high = (_share(auc, key) for key in ("value", "low", "high"))
    if not low <= value <= high:
        raise InvalidModel("card: external_test.auc: expected low ≤ value ≤ high")
    n_subjects = raw.get("n_subjects")
    if n_subjects is not None and (type(n_subjects) is not int or n_subjects < 0):
        raise InvalidModel("card: external_test.n_subjects: a whole number")
    level = _share(raw, "level") if "level" in raw else 0.95
    return ExternalTest(value=value, low=low, high=high, level=level, n_subjects=n_subjects)


def _share(raw: Mapping[str, object], key: str) -> float:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidModel(f"card: external_test: {key}: a number from 0 to 1")
    if not 0 <= value <= 1:
        raise InvalidModel(f"card: external_test: {key}: a number from 0 to 1")
    return float(value)
