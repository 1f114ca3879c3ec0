"""Answers to a query, made once and filled in when asked for. Pure; PS3.18 10.6.3.3.

An answer is a JSON object in which BASE stands for the service's address and GAP for what
changes as instances come and go. Neither character can be in JSON text itself: annex F text has
control characters as escapes.
"""

import json
from collections.abc import Mapping
from typing import Final

from tessera.domain.dicomweb.levels import (
    COMPUTED,
    MODALITIES,
    N_INSTANCES_OF_SERIES,
    N_INSTANCES_OF_STUDY,
    N_SERIES_OF_STUDY,
    RETRIEVE_URL,
    SERIES_ANSWER,
    SERIES_LEVEL,
    STUDY_ANSWER,
    STUDY_LEVEL,
)
from tessera.domain.imaging.dicom_json import BULK_MARK, joined

BASE: Final = "\x01"
GAP: Final = "\x02"
_BASE: Final = BASE.encode()
_GAP: Final = GAP.encode()
_ONLINE: Final = '{"vr":"CS","Value":["ONLINE"]}'
_NUMBER: Final = f'{{"vr":"IS","Value":[{GAP}]}}'
_CODES: Final = f'{{"vr":"CS","Value":[{GAP}]}}'
Parts = Mapping[int, str]


def study_answer(parts: Parts, study_uid: str) -> bytes:
    """Return the answer for a study; gaps: modalities, series, instances."""
    own = {tag: text for tag, text in parts.items() if tag in STUDY_ANSWER}
    own |= {
        0x00080056: _ONLINE,
        MODALITIES: _CODES,
        N_SERIES_OF_STUDY: _NUMBER,
        N_INSTANCES_OF_STUDY: _NUMBER,
        RETRIEVE_URL: _url(f"/studies/{study_uid}"),
    }
    return _sorted(own)


def series_answer(parts: Parts, study_uid: str, series_uid: str) -> bytes:
    """Return the answer for a series; gap: instances."""
    own = {tag: text for tag, text in parts.items() if tag in SERIES_ANSWER}
    own |= {
        0x00080056: _ONLINE,
        N_INSTANCES_OF_SERIES: _NUMBER,
        RETRIEVE_URL: _url(f"/studies/{study_uid}/series/{series_uid}"),
    }
    return _sorted(own)


def instance_answer(
    *,
    study_uid: str,
    series_uid: str,
    instance_uid: str,
    numbers: Mapping[int, int | None],
    sop_class_uid: str,
) -> bytes:
    """Return the answer for an instance; no gap. `numbers`: IS (group 0020, frames) or US."""
    own = {
        0x00080016: f'{{"vr":"UI","Value":["{sop_class_uid}"]}}',
        0x00080018: f'{{"vr":"UI","Value":["{instance_uid}"]}}',
        0x00080056: _ONLINE,
        RETRIEVE_URL: _url(f"/studies/{study_uid}/series/{series_uid}/instances/{instance_uid}"),
    }
    for tag, value in numbers.items():
        if value is not None:
            vr = "IS" if tag >> 16 == 0x0020 or tag == 0x00280008 else "US"
            own[tag] = f'{{"vr":"{vr}","Value":[{value}]}}'
    return _sorted(own)


def study_rest(parts: Parts) -> bytes:
    """Return everything of the study that its instances' headers say."""
    return joined({t: text for t, text in parts.items() if t in STUDY_LEVEL - COMPUTED})


def series_rest(parts: Parts) -> bytes:
    """Return everything of the series that its instances' headers say."""
    return joined({t: text for t, text in parts.items() if t in SERIES_LEVEL - COMPUTED})


def filled(answer: bytes, base: bytes, *gaps: bytes) -> bytes:
    """Return an answer with its gaps filled, in order."""
    if gaps:
        pieces = answer.split(_GAP)
        out = [pieces[0]]
        for gap, piece in zip(gaps, pieces[1:], strict=True):
            out += (gap, piece)
        answer = b"".join(out)
    return answer.replace(_BASE, base)


def with_more(answer: bytes, rest: bytes, wanted: frozenset[int], *, everything: bool) -> bytes:
    """Return a filled answer and, of `rest`, the attributes that are wanted."""
    own, more = json.loads(answer), json.loads(rest)
    names = None if everything else {f"{tag:08X}" for tag in wanted}
    own |= {n: v for n, v in more.items() if n not in own and (names is None or n in names)}
    text = json.dumps(dict(sorted(own.items())), ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def with_addresses(body: bytes, base: str, study_uid: str, series_uid: str, uid: str) -> bytes:
    """Return an instance's stored JSON with addresses of its bulk data."""
    address = f'"BulkDataURI":"{base}/studies/{study_uid}/series/{series_uid}/instances/{uid}'
    return body.replace(BULK_MARK, address.encode())


def value_in(parts: Parts, path: tuple[int, ...]) -> str:
    """Return an attribute's values as searched: joined by a backslash, "" when there is none."""
    text = parts.get(path[0])
    if not text:
        return ""
    values = json.loads(text).get("Value", [])
    for tag in path[1:]:
        first = values[0] if values else {}
        values = first.get(f"{tag:08X}", {}).get("Value", [])
    return "\\".join(_told(value) for value in values)


def _told(value: object) -> str:
    if isinstance(value, dict):  # a person's name
        groups = [str(value.get(g, "")) for g in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)


def _url(path: str) -> str:
    return f'{{"vr":"UR","Value":["{BASE}{path}"]}}'


def _sorted(parts: Mapping[int, str]) -> bytes:
    return joined(dict(sorted(parts.items())))
