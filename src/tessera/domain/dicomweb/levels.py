"""Which attributes are of a study, a series, an instance: what answers and matches. Pure data.

Sources: PS3.18 tables 10.6.1-5, 10.6.3-3, 10.6.3-4 and 10.6.3-5; PS3.3 modules of patient, study,
series and equipment.
"""

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["studies", "series", "instances"]
Kind = Literal["uid", "text", "date", "time", "number", "modalities"]

STUDY_UID: Final = 0x0020000D
SERIES_UID: Final = 0x0020000E
INSTANCE_UID: Final = 0x00080018
RETRIEVE_URL: Final = 0x00081190
MODALITIES: Final = 0x00080061
N_SERIES_OF_STUDY: Final = 0x00201206
N_INSTANCES_OF_STUDY: Final = 0x00201208
N_INSTANCES_OF_SERIES: Final = 0x00201209
COMPUTED: Final = frozenset(
    (
        RETRIEVE_URL,
        MODALITIES,
        N_SERIES_OF_STUDY,
        N_INSTANCES_OF_STUDY,
        N_INSTANCES_OF_SERIES,
        0x00080056,
    )
)
"""Never taken from a header: the index knows them."""


def _tags(text: str) -> frozenset[int]:
    return frozenset(int(tag, 16) for tag in text.split())


STUDY_ANSWER: Final = _tags(
    "00080005 00080020 00080030 00080050 00080090 00080201 00081030 00100010 00100020 00100030 "
    "00100040 0020000D 00200010"
)
SERIES_ANSWER: Final = _tags(
    "00080005 00080060 00080201 0008103E 0020000E 00200011 00400244 00400245 00400275"
)
INSTANCE_ANSWER: Final = _tags(
    "00080005 00080016 00080018 00080201 00200013 00280008 00280010 00280011 00280100"
)
STUDY_LEVEL: Final = STUDY_ANSWER | _tags(
    "00080051 00081032 00081048 00081049 00081060 00081062 00081080 00081084 00081110 00100021 "
    "00100022 00100024 00100032 00101000 00101001 00101002 00101010 00101020 00101030 00102160 "
    "00102180 001021B0 001021C0 00104000 00120010 00120020 00120021 00120030 00120031 00120040 "
    "00120042 00120050 00120062 00120063 00120064 00321034 00321060 00380010 00400012"
)
SERIES_LEVEL: Final = SERIES_ANSWER | _tags(
    "00080021 00080031 00080064 00080070 00080080 00080081 00081010 0008103F 00081040 00081050 "
    "00081052 00081070 00081072 00081090 00081111 00081250 00180015 00181000 00181002 00181020 "
    "00181030 00181050 00181200 00181201 00185100 00200052 00200060 00201040 00280120 00400250 "
    "00400251 00400253 00400254 00400260 00400280"
)


@dataclass(frozen=True, slots=True)
class Matched:
    """An attribute that can be searched by, and the index's name for it."""

    level: Level
    column: str
    kind: Kind


MATCHED: Final[dict[tuple[int, ...], Matched]] = {
    (STUDY_UID,): Matched("studies", "study_uid", "uid"),
    (0x00080020,): Matched("studies", "study_date", "date"),
    (0x00080030,): Matched("studies", "study_time", "time"),
    (0x00080050,): Matched("studies", "accession", "text"),
    (MODALITIES,): Matched("studies", "modality", "modalities"),
    (0x00080090,): Matched("studies", "referring", "text"),
    (0x00081030,): Matched("studies", "study_description", "text"),
    (0x00100010,): Matched("studies", "patient_name", "text"),
    (0x00100020,): Matched("studies", "patient_id", "text"),
    (0x00100030,): Matched("studies", "birth_date", "date"),
    (0x00100040,): Matched("studies", "sex", "text"),
    (0x00200010,): Matched("studies", "study_id", "text"),
    (SERIES_UID,): Matched("series", "series_uid", "uid"),
    (0x00080021,): Matched("series", "series_date", "date"),
    (0x00080060,): Matched("series", "modality", "text"),
    (0x00080070,): Matched("series", "manufacturer", "text"),
    (0x00081090,): Matched("series", "model", "text"),
    (0x0008103E,): Matched("series", "series_description", "text"),
    (0x00180015,): Matched("series", "body_part", "text"),
    (0x00200011,): Matched("series", "series_number", "number"),
    (0x00200052,): Matched("series", "frame_of_reference_uid", "uid"),
    (0x00200060,): Matched("series", "laterality", "text"),
    (0x00400244,): Matched("series", "step_date", "date"),
    (0x00400245,): Matched("series", "step_time", "time"),
    (0x00400275, 0x00400009): Matched("series", "step_id", "text"),
    (0x00400275, 0x00401001): Matched("series", "procedure_id", "text"),
    (INSTANCE_UID,): Matched("instances", "instance_uid", "uid"),
    (0x00080016,): Matched("instances", "sop_class_uid", "uid"),
    (0x00200012,): Matched("instances", "acquisition_number", "number"),
    (0x00200013,): Matched("instances", "instance_number", "number"),
    (0x00280008,): Matched("instances", "frames", "number"),
    (0x00280010,): Matched("instances", "rows", "number"),
    (0x00280011,): Matched("instances", "columns", "number"),
    (0x00280100,): Matched("instances", "bits_allocated", "number"),
}
"""Path of tags → what is searched. A path of two is an attribute in a sequence's item."""
ORDER: Final[dict[Level, int]] = {"studies": 0, "series": 1, "instances": 2}


def columns_of(level: Level) -> dict[str, tuple[int, ...]]:
    """Return the index's columns of a level that are filled from the header."""
    return {
        one.column: path
        for path, one in MATCHED.items()
        if one.level == level and one.kind != "modalities"
    }
