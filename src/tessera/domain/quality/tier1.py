"""Checks of the tier 1 minimum: what EUCAIM asks of each series and each subject. Pure.

Source: EUCAIM handbook, data preparation, tier 1; the statements are numbered T1-xx in
docs/reference/checks.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.registry import Looked

_DERIVED = frozenset(
    "SEG SR PR KO AU ANN REG RWV FID DOC PLAN RTSTRUCT RTPLAN RTDOSE RTRECORD".split()
)
"""Modalities that are made from images; the minimum is asked of the images."""

_MINIMUM: tuple[tuple[str, Callable[[InstanceRow], bool]], ...] = (
    ("PatientID", lambda row: bool(row.subject)),
    ("Modality", lambda row: bool(row.modality)),
    ("BodyPartExamined", lambda row: bool(row.body_part)),
    ("Manufacturer", lambda row: bool(row.manufacturer)),
    ("AcquisitionDate", lambda row: row.acquisition_date is not None),
)
"""Attributes of T1-05, apart from the age."""


def minimum_imaging(data: CheckInput) -> Looked:
    """Each image series states the minimum attributes. Source: statement T1-05."""
    records = _records_by_subject(data)
    n_looked, failed, found = 0, 0, []
    for series in data.series:
        images = [row for row in series.distinct() if row.modality not in _DERIVED]
        images = [row for row in images if row.has_pixels or row.rows]
        if not images:
            continue
        n_looked += 1
        items = list(_imaging_findings(series, images, records))
        failed += bool(items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def minimum_cancer(data: CheckInput) -> Looked:
    """Each subject with cancer has the minimum clinical values. Source: statement T1-06."""
    if data.records is None:
        return Looked(n_looked=0, n_passed=0, not_looked="no-clinical-values")
    records = [r for r in data.records if r.subject.population in (None, "", "cancer")]
    return _clinical(records, _cancer_findings)


def minimum_control(data: CheckInput) -> Looked:
    """Each subject without cancer has the minimum clinical values. Source: statement T1-07.

    Age is the age at imaging; the organ is that of BodyPartExamined, or of a benign condition.
    """
    if data.records is None:
        return Looked(n_looked=0, n_passed=0, not_looked="no-clinical-values")
    records = [r for r in data.records if r.subject.population not in (None, "", "cancer")]
    ages: set[str] = set()
    organs: set[str] = set()
    for row in data.rows:
        if row.age_years is not None:
            ages.add(row.subject)
        if row.body_part:
            organs.add(row.subject)

    def judge(record: ClinicalRecord) -> Iterator[Finding]:
        subject = record.subject.subject
        if not _stated(record.subject.sex):
            yield _missing("minimum-control", subject, "Sex")
        if subject not in ages:
            yield _missing("minimum-control", subject, "Age at imaging")
        if subject not in organs and not any(item.topography for item in record.conditions):
            yield _missing("minimum-control", subject, "Topography (organ)")

    return _clinical(records, judge)


def _clinical(
    records: Sequence[ClinicalRecord], judge: Callable[[ClinicalRecord], Iterator[Finding]]
) -> Looked:
    failed, found = 0, []
    for record in records:
        items = list(judge(record))
        failed += bool(items)
        found += items
    return Looked(n_looked=len(records), n_passed=len(records) - failed, findings=tuple(found))


def _imaging_findings(
    series: SeriesRows, images: Sequence[InstanceRow], records: Mapping[str, ClinicalRecord]
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    modality = images[0].modality
    for name, is_stated in _MINIMUM:
        n_without = sum(not is_stated(row) for row in images)
        if n_without:
            facts: Evidence = {
                "attribute": name,
                "n_instances": n_without,
                "n_images": len(images),
                "modality": modality,
            }
            yield finding("minimum-imaging", Severity.ERROR, where, facts)
    if not any(row.age_years is not None for row in images) and not _age_computable(
        images[0], records.get(images[0].subject)
    ):
        facts = {"attribute": "PatientAge", "n_images": len(images), "modality": modality}
        yield finding("minimum-imaging-age", Severity.ERROR, where, facts)


def _age_computable(row: InstanceRow, record: ClinicalRecord | None) -> bool:
    """Age at imaging follows from age and date of diagnosis and the date of the image."""
    if record is None or not (row.acquisition_date or row.study_date):
        return False
    return any(
        item.age_at_diagnosis is not None and item.diagnosis_date is not None
        for item in record.conditions
    )


def _cancer_findings(record: ClinicalRecord) -> Iterator[Finding]:
    subject = record.subject.subject
    if not record.subject.population:
        yield finding("no-population", Severity.ERROR, Where(Level.SUBJECT, subject))
        return
    if not _stated(record.subject.sex):
        yield _missing("minimum-clinical", subject, "Sex")
    if not record.conditions:
        yield finding("no-condition", Severity.ERROR, Where(Level.SUBJECT, subject))
    for name, is_stated in _CONDITION_MINIMUM:
        if record.conditions and not any(is_stated(item) for item in record.conditions):
            yield _missing("minimum-clinical", subject, name)


_CONDITION_MINIMUM: tuple[tuple[str, Callable[[CancerCondition], bool]], ...] = (
    ("Age at diagnosis", lambda item: item.age_at_diagnosis is not None),
    ("Topography (organ)", lambda item: bool(item.topography or item.cancer)),
)


def _missing(kind: str, subject: str, value: str) -> Finding:
    return finding(kind, Severity.ERROR, Where(Level.SUBJECT, subject), {"value": value})


def _stated(sex: str | None) -> bool:
    return sex not in (None, "", "unknown")


def _records_by_subject(data: CheckInput) -> dict[str, ClinicalRecord]:
    return {record.subject.subject: record for record in data.records or ()}
