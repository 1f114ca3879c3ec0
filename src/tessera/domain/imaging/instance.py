"""What the node knows of one instance without opening its file again. Pure values."""

from dataclasses import dataclass
from datetime import date

from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid

Vector3 = tuple[float, float, float]
Cosines6 = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One instance, as read from its header. Empty text means absent or empty there.

    Every value is as in the file it was read from: in the research zone that file
    is de-identified, so dates are shifted and identifiers are replaced.
    """

    subject: Pseudonym
    """PatientID (0010,0020)."""
    study_uid: StudyUid
    series_uid: SeriesUid
    instance_uid: InstanceUid
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str = ""
    body_part: str = ""
    """BodyPartExamined (0018,0015)."""
    laterality: str = ""
    """ImageLaterality (0020,0062), else Laterality (0020,0060)."""
    manufacturer: str = ""
    model: str = ""
    sex: str = ""
    """PatientSex (0010,0040): M, F, O or empty."""
    age_years: float | None = None
    """PatientAge (0010,1010) in years; days, weeks and months converted."""
    study_date: date | None = None
    acquisition_date: date | None = None
    image_type: str = ""
    """ImageType (0008,0008), values joined by a backslash."""
    series_number: int | None = None
    instance_number: int | None = None
    acquisition_number: int | None = None
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    samples: int = 1
    bits_allocated: int | None = None
    position_mm: Vector3 | None = None
    """ImagePositionPatient, LPS+."""
    orientation: Cosines6 | None = None
    """ImageOrientationPatient: row then column direction cosines."""
    spacing_mm: tuple[float, float] | None = None
    """PixelSpacing (row, column), else ImagerPixelSpacing."""
    slice_thickness_mm: float | None = None
    b_value: float | None = None
    """DiffusionBValue (0018,9087), s/mm²."""
    temporal_position: int | None = None
    """TemporalPositionIdentifier (0020,0100)."""
    echo_number: int | None = None
    frame_of_reference_uid: str = ""
    referenced_series_uid: str = ""
    """First SeriesInstanceUID inside ReferencedSeriesSequence (SEG, RT, PR), else empty."""
    has_pixels: bool = False
    pixel_bytes: int = 0
    """Length of the pixel data element's value, bytes, as it stands in the file."""
    pixel_sha256: str = ""
    """Of the pixel data value as encoded; empty when not computed or no pixels."""
    n_bytes: int = 0
    """Size of the whole file."""
    sha256: str = ""
    """Of the whole file."""
    path: str = ""
    """Relative to the store's root, or as given on the command line."""
