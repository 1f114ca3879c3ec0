"""Judge the checks on header values against the output as paths and texts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tessera.domain.evaluation.key import PRIVACY, Check, Entry
from tessera.domain.evaluation.texts import any_left, share_present, words_of
from tessera.domain.evaluation.verdict import Verdict, failed, passed

_CODES = "<(0012,0064)>"
_MODIFIED = "<(0028,0303)>"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the tool says it did with the identifiers that one entry speaks of."""

    uids: Mapping[str, str] = field(repr=False)
    """Old UID → new, as far as the mapping knows them."""
    patient_id: str | None
    """New patient id; None when the mapping does not know the patient."""
    not_written: frozenset[str] = frozenset()
    """Source UIDs in the key (instance, series, study) of which no output was found."""


def judge_value(
    check: Check, entry: Entry, values: Mapping[str, str], expected: Expected
) -> Verdict | None:
    """Return the verdict on one check; None when it needs more than this output's header.

    Args:
        values: path → text of every element of the output; several values joined by backslash.
    """
    found = values.get(check.tag)
    text = found or ""
    action = check.action
    if action in ("text_removed", "tag_removed", "date_shifted", "uid_changed"):
        return _gone(check, entry, found)
    if action == "tag_retained":
        return passed(check, text) if found is not None else failed(check, "absent")
    if action == "text_notnull":
        return passed(check, text) if text else failed(check, _missing(found))
    if action == "text_retained":
        share = share_present(check.value, text) if text else 0.0
        return passed(check, text) if share >= 1 else failed(check, "words-lost", text, share)
    if action == "uid_kept":
        return passed(check) if text == check.value else failed(check, _missing(found), text)
    if action == "uid_consistent":
        return _mapped(check, found, expected.uids.get(check.value))
    if action == "patid_consistent":
        return _mapped(check, found, expected.patient_id)
    if action == "reference_resolves":
        if check.value in expected.not_written:
            return failed(check, "target-not-written", text)
        return _mapped(check, text or None, expected.uids.get(check.value), must=True)
    if action == "provenance_true":
        return _provenance(check, entry, values)
    return None


def _missing(found: str | None) -> str:
    return "absent" if found is None else "empty" if not found else "changed"


def _gone(check: Check, entry: Entry, found: str | None) -> Verdict:
    if not found:
        return passed(check)
    if check.action == "tag_removed":
        return failed(check, "still-there", found)
    if check.action == "text_removed":
        keep = frozenset(
            word
            for other in entry.checks
            if other.action == "text_retained" and other.tag == check.tag
            for word in words_of(other.value)
        )
        left = any_left(check.value, found, keep)
    else:
        old, new = (one.replace("\\", "").strip() for one in (check.value, found))
        left = bool(old) and old in new
    return failed(check, "still-there", found) if left else passed(check, found)


def _mapped(check: Check, found: str | None, new: str | None, *, must: bool = False) -> Verdict:
    """MIDI-B passes an element that is gone; a reference that must resolve may not be gone."""
    if found is None:
        return failed(check, "absent") if must else passed(check)
    if new is None:
        return failed(check, "not-in-mapping", found)
    return passed(check, found) if found == new else failed(check, "differs", found)


def _provenance(check: Check, entry: Entry, values: Mapping[str, str]) -> Verdict:
    text = values.get(check.tag, "")
    if not text and check.tag != _CODES:
        return failed(check, "absent")
    if check.tag == _MODIFIED:
        true = _what_became_of_dates(entry, values)
        return passed(check, text) if text in true else failed(check, "untrue", text)
    if check.tag == _CODES:
        codes = {
            value
            for path, value in values.items()
            if path.startswith(_CODES) and path.endswith("<(0008,0100)>")
        }
        if "113100" not in codes:
            return failed(check, "absent" if not codes else "untrue", " ".join(sorted(codes)))
        dates = _what_became_of_dates(entry, values)
        lies = ("113106" in codes and "UNMODIFIED" not in dates) or (
            "113107" in codes and "MODIFIED" not in dates
        )
        shown = " ".join(sorted(codes))
        return failed(check, "untrue", shown) if lies else passed(check, shown)
    wanted = check.value or ("YES" if check.tag == "<(0012,0062)>" else text)
    return passed(check, text) if text == wanted else failed(check, "untrue", text)


def _what_became_of_dates(entry: Entry, values: Mapping[str, str]) -> frozenset[str]:
    """Return the values of (0028,0303) that are true of this output (PS3.3 C.12.1)."""
    states = set()
    for check in entry.checks:
        if check.action == "date_shifted" and check.category != "date-in-text":
            found = values.get(check.tag)
            same = found and check.value.replace("\\", "") in found.replace("\\", "")
            states.add("REMOVED" if not found else "UNMODIFIED" if same else "MODIFIED")
    if not states:
        return frozenset(("MODIFIED", "UNMODIFIED", "REMOVED"))
    if states == {"REMOVED"}:
        return frozenset(("REMOVED",))
    if "UNMODIFIED" in states:
        return frozenset(("UNMODIFIED",)) if "MODIFIED" not in states else frozenset()
    return frozenset(("MODIFIED",))


def moment(values: Mapping[str, str], path: str) -> datetime | None:
    """Return the moment at a date path, `DA`, `DT` or `DA+TM`; None when none can be read."""
    parts = [values.get(one.strip(), "").split("\\")[0].strip() for one in path.split("+")]
    text = parts[0].replace(".", "", 2) if parts[0][4:5] == "." else parts[0]
    text += parts[1] if len(parts) > 1 else ""
    whole, _, fraction = text.partition(".")
    fraction = fraction.split("+")[0].split("-")[0].strip()
    whole = whole.split("+")[0].split("-")[0].strip()
    if len(whole) < 8 or not whole.isdigit():
        return None
    try:
        base = datetime.strptime(whole[:14].ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    return base + timedelta(seconds=float(f"0.{fraction}") if fraction.isdigit() else 0)


@dataclass(frozen=True, slots=True)
class Interval:
    """The value of `interval_kept`: `OTHER_TAG|OTHER_SOP_UID|SECONDS`."""

    other_tag: str
    other_uid: str
    """Source instance; empty for the same."""
    seconds: float

    @classmethod
    def parse(cls, value: str) -> "Interval | None":
        parts = value.split("|")
        if len(parts) != 3:
            return None
        try:
            return cls(parts[0].strip().upper(), parts[1].strip(), float(parts[2]))
        except ValueError:
            return None


def judge_interval(
    check: Check, values: Mapping[str, str], other: Mapping[str, str] | None
) -> Verdict:
    """Judge the time from this instance's moment to the other's. `other`: None, not written."""
    interval = Interval.parse(check.value)
    if interval is None:
        return failed(check, "key-not-understood")
    if other is None:
        return failed(check, "target-not-written")
    here, there = moment(values, check.tag), moment(other, interval.other_tag)
    if here is None or there is None:
        return failed(check, "absent")
    seconds = (there - here).total_seconds()
    if abs(seconds - interval.seconds) < 0.5:
        return passed(check, f"{seconds:g} s")
    return failed(check, "interval-changed", f"{seconds:g} s")


def judge_missing(check: Check) -> Verdict:
    """Judge a check of an instance without an output: nothing leaked, and nothing was kept."""
    return passed(check) if check.action in PRIVACY else failed(check, "not-written")
