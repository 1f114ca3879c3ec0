"""What the checks read of a header beyond what the index keeps. Pure values; "" and None: absent.

The index row (`InstanceRow`) is enough for geometry and linkage. Whether a value can be true, and
whether it agrees with what people wrote beside it, needs these as well. No identity is read.
"""

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Final

from tessera.domain.imaging.encoding import IMPLICIT_LE, FileMeta
from tessera.domain.imaging.header import Header
from tessera.domain.imaging.shared_groups import in_first_item

FACT_TAGS: Final = frozenset(
    int(tag, 16)
    for tag in """
    00080021 00080030 00080032 00081030 0008103E 00100030 00101020 00101030 00180024 00180060
    00180080 00180081 00180088 00181030 00181060 00181120 00181210 00190010 0019100C 00200105
    00280004 00280051 00280101 00282110 00430010 00431039 00540016 00541001 00541102 00650010
    00651009 20010010 20011003
    """.split()
)
"""What `facts_of` reads."""
_DOSE, _HALF_LIFE, _START_TIME, _START = 0x00181074, 0x00181075, 0x00181072, 0x00181078
_GE_OFFSET: Final = 1_000_000_000
"""GE adds this to some b-values; the rest is the b-value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracerFacts:
    """First item of RadiopharmaceuticalInformationSequence. Source: PS3.3 C.8.9.2."""

    dose_bq: float | None = None
    half_life_s: float | None = None
    has_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Header values of one instance."""

    study_description: str = ""
    series_description: str = ""
    protocol: str = ""
    sequence_name: str = ""
    kernel: str = ""
    photometric: str = ""
    lossy: bool = False
    birth_date: date | None = None
    series_date: date | None = None
    acquisition_s: float | None = None
    """AcquisitionTime, seconds of the day."""
    study_s: float | None = None
    trigger_ms: float | None = None
    n_phases: int | None = None
    """NumberOfTemporalPositions."""
    weight_kg: float | None = None
    height_m: float | None = None
    kvp: float | None = None
    repetition_ms: float | None = None
    echo_ms: float | None = None
    slice_step_mm: float | None = None
    """SpacingBetweenSlices."""
    tilt_degrees: float | None = None
    """GantryDetectorTilt."""
    private_b_value: float | None = None
    """b-value from the element that the vendor keeps it in, s/mm²."""
    private_b_tag: str = ""
    units: str = ""
    decay_correction: str = ""
    corrected: tuple[str, ...] = ()
    tracer: TracerFacts | None = None

    @property
    def words(self) -> str:
        """What people and protocols wrote about the series, as one text."""
        parts = (self.series_description, self.protocol)
        return " ".join(dict.fromkeys(part for part in parts if part))


NO_FACTS: Final = Facts()


def facts_of(header: Header, meta: FileMeta) -> Facts:
    """Return the facts of one header."""
    b_value, b_tag = _private_b(header)
    return Facts(
        study_description=header.text(0x00081030),
        series_description=header.text(0x0008103E),
        protocol=header.text(0x00181030),
        sequence_name=header.text(0x00180024),
        kernel=header.text(0x00181210),
        photometric=header.first(0x00280004),
        lossy=header.first(0x00282110) == "01",
        birth_date=header.day(0x00100030),
        series_date=header.day(0x00080021),
        acquisition_s=seconds_of_day(header.first(0x00080032)),
        study_s=seconds_of_day(header.first(0x00080030)),
        trigger_ms=_first(header, 0x00181060),
        n_phases=header.whole(0x00200105),
        weight_kg=_first(header, 0x00101030),
        height_m=_first(header, 0x00101020),
        kvp=_first(header, 0x00180060),
        repetition_ms=_first(header, 0x00180080),
        echo_ms=_first(header, 0x00180081),
        slice_step_mm=_first(header, 0x00180088),
        tilt_degrees=_first(header, 0x00181120),
        private_b_value=b_value,
        private_b_tag=b_tag,
        units=header.first(0x00541001),
        decay_correction=header.first(0x00541102),
        corrected=tuple(part for part in header.text(0x00280051).split("\\") if part),
        tracer=_tracer(header, meta),
    )


def seconds_of_day(text: str) -> float | None:
    """Return a TM value in seconds since midnight, None when it is none. Source: PS3.5 6.2."""
    plain = text.replace(":", "")
    try:
        hours, minutes, seconds = int(plain[:2]), int(plain[2:4] or 0), float(plain[4:] or 0)
    except ValueError:
        return None
    total = hours * 3600 + minutes * 60 + seconds
    return total if 0 <= total < 86_401 else None


def _first(header: Header, tag: int) -> float | None:
    try:
        number = float(header.first(tag))
    except ValueError:
        return None
    return number if isfinite(number) else None


def _private_b(header: Header) -> tuple[float | None, str]:
    """Source: the DICOM conformance statements of Siemens, GE, Philips and United Imaging."""
    if header.text(0x00190010) == "SIEMENS MR HEADER":
        return _known(_first(header, 0x0019100C)), "(0019,100C)"
    if header.text(0x00430010) == "GEMS_PARM_01":
        number = _first(header, 0x00431039)
        rest = None if number is None else number % _GE_OFFSET % 100_000
        return _known(rest), "(0043,1039)"
    if header.text(0x20010010) == "Philips Imaging DD 001":
        return _known(_binary(header.values.get(0x20011003, b""), "f")), "(2001,1003)"
    if header.text(0x00650010) == "Image Private Header":
        return _known(_binary(header.values.get(0x00651009, b""), "d")), "(0065,1009)"
    return None, ""


def _known(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) and 0 <= number < 100_000 else None


def _binary(raw: bytes, kind: str) -> float | None:
    size = 4 if kind == "f" else 8
    if len(raw) < size:
        return None
    return float(memoryview(raw[:size]).cast("f" if kind == "f" else "d")[0])


def _tracer(header: Header, meta: FileMeta) -> TracerFacts | None:
    raw = header.values.get(0x00540016, b"")
    if not raw:
        return None
    explicit = meta.transfer_syntax_uid != IMPLICIT_LE

    def text(tag: int) -> str:
        return in_first_item(raw, tag, explicit=explicit).decode("latin-1").strip(" \0")

    def number(tag: int) -> float | None:
        try:
            found = float(text(tag))
        except ValueError:
            return None
        return found if isfinite(found) else None

    return TracerFacts(
        dose_bq=number(_DOSE),
        half_life_s=number(_HALF_LIFE),
        has_start=bool(text(_START_TIME) or text(_START)),
    )
