"""The answer key: what must have become of each planted value. Pure; text in, values out.

Two forms are read: lines of JSON (`tessera phantom --hiding-places` writes them), and the rows
of the answer database of MIDI-B. A key names people: it stays in the hospital unless its people
are invented.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tessera.domain.errors import InvalidInput

PRIVACY: Final = (
    "text_removed",
    "tag_removed",
    "date_shifted",
    "uid_changed",
    "pixels_hidden",
    "no_identity_anywhere",
    "path_clean",
)
UTILITY: Final = (
    "tag_retained",
    "text_notnull",
    "text_retained",
    "pixels_retained",
    "interval_kept",
    "uid_kept",
)
INTEGRITY: Final = (
    "uid_consistent",
    "patid_consistent",
    "reference_resolves",
    "provenance_true",
    "dicom_valid",
)
GROUPS: Final = {"privacy": PRIVACY, "utility": UTILITY, "integrity": INTEGRITY}
ACTIONS: Final = (*PRIVACY, *UTILITY, *INTEGRITY)
GROUP_OF: Final = {action: group for group, actions in GROUPS.items() for action in actions}
MIDI_B: Final = frozenset(
    "tag_retained text_notnull text_retained text_removed tag_removed date_shifted uid_changed "
    "uid_consistent patid_consistent pixels_hidden pixels_retained".split()
)
"""The actions that MIDI-B scores."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of the output of one instance."""

    action: str
    tag: str
    """Path in upper case, as `<(0040,0275)>[<0000>]<(0040,0007)>`; empty for the whole file."""
    value: str = field(repr=False)
    """Identified for the actions that look for something gone."""
    category: str = ""
    language: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Text in the pixels. Frame from 0; x to the right; sizes in pixels."""

    frame: int
    x: int
    y: int
    width: int
    height: int
    text: str = field(repr=False)
    harmless: bool = False
    sha256: str = ""
    """Digest of the source's pixels in the box; empty when the key has none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the key says of one source instance."""

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str = field(repr=False)
    checks: tuple[Check, ...]
    identities: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """(kind, value)."""
    boxes: tuple[Box, ...] = ()


def parse_key(lines: Iterable[str]) -> tuple[Entry, ...]:
    """Return the entries of a key in lines of JSON. Raises InvalidInput, naming the line."""
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if number == 1:
                if row.get("tessera_answer_key") != 1:
                    raise InvalidInput("this is no answer key of version 1: see line 1")
                continue
            entries.append(_entry(row))
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as err:
            raise InvalidInput(
                f"line {number} of the answer key cannot be understood ({type(err).__name__}); "
                "see docs/reference/deid-evaluation.md for its form"
            ) from None
        except InvalidInput as err:
            raise InvalidInput(f"line {number} of the answer key: {err}") from None
    if not entries:
        raise InvalidInput("the answer key holds no instance")
    return tuple(entries)


def _entry(row: Mapping[str, Any]) -> Entry:
    boxes = tuple(
        Box(
            frame=int(box["frame"]),
            x=int(box["x"]),
            y=int(box["y"]),
            width=int(box["width"]),
            height=int(box["height"]),
            text=str(box["text"]),
            harmless=bool(box.get("harmless", False)),
            sha256=str(box.get("sha256", "")),
        )
        for box in row.get("boxes", ())
    )
    checks = [_check(one) for one in row["checks"]]
    stated = {check.value for check in checks if check.action == "pixels_hidden"}
    checks += [
        Check("pixels_hidden", "<(7FE0,0010)>", box.text, "pixels", "", "pixels")
        for box in boxes
        if not box.harmless and box.text not in stated
    ]
    return Entry(
        str(row["sop_instance_uid"]),
        str(row["series_instance_uid"]),
        str(row["study_instance_uid"]),
        str(row["patient_id"]),
        tuple(checks),
        tuple((str(one["kind"]), str(one["value"])) for one in row.get("identities", ())),
        boxes,
    )


def _check(row: Mapping[str, Any]) -> Check:
    return _known(
        Check(
            str(row["action"]),
            path_of(str(row.get("tag") or "")),
            str(row.get("value") or ""),
            *(str(row.get(name) or "") for name in ("category", "language", "place")),
        )
    )


def _known(check: Check) -> Check:
    if check.action not in GROUP_OF:
        raise InvalidInput(f"unknown action {check.action!r}; known: {', '.join(ACTIONS)}")
    return check


def path_of(tag: str) -> str:
    """Return a tag path in the one form that is compared: upper case, no space round it."""
    return tag.strip().upper()


def bare(value: object) -> str:
    """Return a value of MIDI-B without the angle brackets that it is wrapped in."""
    text = "" if value is None else str(value)
    return text[1:-1] if text[:1] == "<" and text[-1:] == ">" else text


def parse_midi_b(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Return the entries of MIDI-B's table `answer_data`, one row per instance or scope.

    A row with scope Series, Study or Patient holds for every instance of its series or study.
    Words come from `action_text` where MIDI-B judges by it, else from `value`.

    Raises InvalidInput when a column or a check is missing.
    """
    instances: dict[str, list[Check]] = {}
    of: dict[str, tuple[str, str, str]] = {}
    wider: list[tuple[int, str, list[Check]]] = []
    for number, row in enumerate(rows, start=1):
        try:
            uid = bare(row["SOPInstanceUID"])
            ids = tuple(bare(row[name]) for name in ("SeriesInstanceUID", "StudyInstanceUID"))
            checks = [_midi_check(one) for one in _answers(str(row["AnswerData"]))]
        except (KeyError, IndexError, TypeError, AttributeError, json.JSONDecodeError) as err:
            raise InvalidInput(
                f"row {number} of answer_data cannot be understood ({type(err).__name__})"
            ) from None
        scope = bare(row.get("scope") or "Instance").lower()
        if uid:
            of.setdefault(uid, (ids[0], ids[1], bare(row.get("PatientID"))))
        if scope == "instance":
            instances.setdefault(uid, []).extend(checks)
        else:
            at = 0 if scope == "series" else 1
            wider.append((at, ids[at], checks))
    for uid, belongs in of.items():
        for at, wanted, checks in wider:
            if belongs[at] == wanted:
                instances.setdefault(uid, []).extend(checks)
    if not instances:
        raise InvalidInput("the answer database holds no instance")
    return tuple(
        Entry(uid, *of.get(uid, ("", "", "")), tuple(dict.fromkeys(checks)))
        for uid, checks in instances.items()
    )


def _answers(text: str) -> list[Mapping[str, Any]]:
    """MIDI-B writes an object of objects, index → check; a list of checks is taken too."""
    answers = json.loads(text)
    return list(answers.values() if isinstance(answers, dict) else answers)


def _midi_check(row: Mapping[str, Any]) -> Check:
    action = bare(row["action"])
    by_text = action in ("text_removed", "text_retained", "pixels_hidden", "pixels_retained")
    words = bare(row.get("action_text")) if by_text else ""
    category = row.get("answer_category_v2") or row.get("answer_category") or ""
    if not isinstance(category, str):
        category = json.dumps(category, ensure_ascii=False)
    tag = path_of(str(row.get("tag_ds") or row.get("tag") or ""))
    return _known(Check(action, tag, words or bare(row.get("value")), bare(category)))


def parse_mapping(rows: Iterable[Mapping[str, Any]], what: str) -> dict[str, str]:
    """Return old → new of a table with the columns `id_old` and `id_new`. Raises InvalidInput."""
    mapping: dict[str, str] = {}
    for row in rows:
        if row.get("id_old") is None or row.get("id_new") is None:
            raise InvalidInput(f"{what} needs the columns id_old and id_new, filled in each row")
        mapping[bare(str(row["id_old"]).strip())] = bare(str(row["id_new"]).strip())
    if not mapping:
        raise InvalidInput(f"{what} is empty")
    return mapping
