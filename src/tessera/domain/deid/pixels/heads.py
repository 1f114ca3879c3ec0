"""Which instances can show a face, and how slices make a volume. Pure; PS3.3 C.7.6.2."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tessera.domain.deid.pixels.faces import NoFaceFound
from tessera.domain.imaging.header import Header

FACE_TAGS = frozenset((0x00080008, 0x0008103E, 0x00081030, 0x00180015, 0x00181030))
"""By which `may_show_a_face` decides, with class and character set."""
HEAD_TAGS = frozenset(
    int(tag, 16)
    for tag in """
    00080005 00080008 00080016 00080060 0008103E 00081030 00180015 00181030 0020000E 00200032
    00200037 00280030 00281052 00281053 00280120
    """.split()
)
_CLASSES = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "2.1", "2.2", "4", "4.1", "4.4")
)
"""CT and MR, enhanced and legacy converted ones too."""
_PARTS = frozenset(
    """
    BRAIN HEAD HEADNECK HEAD_NECK SKULL FACE JAW MAXILLA MANDIBLE ORBIT EYE EAR IAC SINUS NASAL
    NOSE ORBITS SELLA PITUITARY PAROTID WHOLEBODY WHOLE_BODY NECK CSPINE CAROTID TMJ TEETH
    """.split()
)
_WORDS = re.compile(
    r"head|brain|skull|face|facial|orbit|sinus|neuro|cereb|cranio|crani|pituit|sella|neck"
    r"|huvud|hjärn|skall|ansikt|hals|kopf|schädel|hirn|gesicht|cabeza|cerebr|cráneo|craneo|cara\b"
    r"|κεφαλ|εγκέφαλ|εγκεφαλ|頭|脳|顔|tête|tete|cerveau|testa|encefal|whole.?body|helkropp",
    re.IGNORECASE,
)
_FEWEST = 20
"""Slices; fewer make no face."""
_SPREAD = 0.25
"""How much the distances between slices may differ from their median."""


def may_show_a_face(header: Header) -> bool:
    """Say whether an instance is a CT or MR in which a head may be.

    A body part that is told and is none of the head decides; else the descriptions do; where
    nothing is told, it may.
    """
    if header.first(0x00080016) not in _CLASSES:
        return False
    if "LOCALIZER" in header.text(0x00080008).upper():
        return False
    part = header.first(0x00180015).upper().replace(" ", "")
    texts = [header.text(tag) for tag in (0x0008103E, 0x00081030, 0x00181030)]
    if part in _PARTS or any(_WORDS.search(text) for text in texts):
        return True
    return not part and not any(texts)


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices in order, as one volume."""

    order: tuple[int, ...]
    """Place of each slice of the volume in what was given."""
    directions: NDArray[np.float64]
    """(3, 3): where the volume's axes (slices, rows, columns) lead in the patient."""
    spacing_mm: tuple[float, float, float]


def stacked(headers: Sequence[Header]) -> Stack:
    """Return how the slices of one series make a volume. Raises NoFaceFound when they do not."""
    if len(headers) < _FEWEST:
        raise NoFaceFound("there are too few slices")
    cosines = np.array([_numbers(header, 0x00200037, 6) for header in headers])
    spacings = np.array([_numbers(header, 0x00280030, 2) for header in headers])
    if np.ptp(cosines, axis=0).max() > 0.01 or np.ptp(spacings, axis=0).max() > 0.01:
        raise NoFaceFound("the slices do not lie alike")
    along_row, along_column = cosines[0][:3], cosines[0][3:]
    normal = np.cross(along_row, along_column)
    places = np.array([_numbers(header, 0x00200032, 3) for header in headers]) @ normal
    order = np.argsort(places, kind="stable")
    gaps = np.diff(places[order])
    gap = float(np.median(gaps))
    if gap <= 0 or np.abs(gaps - gap).max() > _SPREAD * gap:
        raise NoFaceFound("the slices do not lie at even distances")
    between, within = float(spacings[0][0]), float(spacings[0][1])
    return Stack(
        tuple(int(place) for place in order),
        np.array([normal, along_column, along_row]),
        (gap, between, within),
    )


def _numbers(header: Header, tag: int, n: int) -> tuple[float, ...]:
    found = header.numbers(tag, n)
    if found is None:
        raise NoFaceFound("the slices do not say where they lie")
    return found
