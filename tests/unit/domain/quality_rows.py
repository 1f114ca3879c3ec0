"""Rows of made-up instances for the tests of the checks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import Cosines6, InstanceRow

AXIAL: Cosines6 = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL: Cosines6 = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
SUBJECT = Pseudonym("TES-AAAAAAAAAAAAAAAA")

_SOUND = InstanceRow(
    subject=SUBJECT,
    study_uid=StudyUid("2.25.1"),
    series_uid=SeriesUid("2.25.2"),
    instance_uid=InstanceUid("2.25.3"),
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    modality="CT",
    body_part="CHEST",
    manufacturer="Maker",
    age_years=61.0,
    study_date=date(2020, 5, 1),
    acquisition_date=date(2020, 5, 1),
    image_type="ORIGINAL\\PRIMARY\\AXIAL",
    rows=4,
    columns=4,
    bits_allocated=16,
    has_pixels=True,
    pixel_bytes=32,
    spacing_mm=(0.7, 0.7),
    frame_of_reference_uid="2.25.4",
)


def row(**values: Any) -> InstanceRow:
    """Return a sound CT slice with `values` in place of its own."""
    return replace(_SOUND, **values)


def stack(
    places_mm: Sequence[float],
    *,
    uid: str = "2.25.10",
    orientation: Cosines6 = AXIAL,
    first: int = 1,
    **values: Any,
) -> list[InstanceRow]:
    """Return one series with axial positions at `places_mm`, numbered from `first`."""
    return [
        row(
            series_uid=SeriesUid(uid),
            instance_uid=InstanceUid(f"{uid}.{number}"),
            instance_number=number,
            pixel_sha256=f"{uid}.{number}",
            position_mm=(0.0, 0.0, place) if orientation == AXIAL else (place, 0.0, 0.0),
            orientation=orientation,
            path=f"{uid}/{number:04}.dcm",
            **values,
        )
        for number, place in enumerate(places_mm, start=first)
    ]
