"""Compute a dataset's description from its tables. Pure; the numbers are exact.

The result stays inside the node until `domain/cohort/disclosure.py` has released it.
Facets are in a fixed order of values, never by count, so that the order tells nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from tessera.domain.catalogue.about import DatasetAbout
from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.clinical.build import CdmTables
from tessera.domain.clinical.concepts import VALUE_SETS
from tessera.domain.ids import DatasetId

_BYTES_PER_MB = 1_000_000
_OPEN_BAND = 90
"""Years. From here on one band, so that great ages do not stand out."""


def describe(
    tables: CdmTables,
    about: DatasetAbout,
    *,
    n_instances: int,
    dataset_id: DatasetId,
    version: int,
    created: datetime,
    manifest_sha256: str,
    deid_profile: str,
    quality: Mapping[str, int],
    minimum: int,
    change_note: str = "",
) -> DatasetDescription:
    """Return the exact description of one version. The instance table is not looked at.

    `minimum` is that of the node's count policy: a collection method that rests on
    fewer subjects is not named, since the word alone would tell of them.
    """
    n_bytes = sum(_integers(tables["series"].column("n_bytes")))
    return DatasetDescription(
        dataset_id=dataset_id,
        version=version,
        title=about.title,
        description=about.description,
        keywords=about.keywords,
        publisher=about.publisher,
        contact=about.contact,
        country=about.country,
        language=about.language,
        created=created,
        manifest_sha256=manifest_sha256,
        n_subjects=len(tables["patient"].rows),
        n_studies=len(tables["study"].rows),
        n_series=len(tables["series"].rows),
        n_instances=n_instances,
        n_bytes=round(n_bytes / _BYTES_PER_MB) * _BYTES_PER_MB,
        facets=_facets(tables),
        population=_present(tables, "population"),
        collection_methods=_collection_methods(tables, minimum),
        access_conditions=about.access_conditions,
        data_use=about.data_use,
        change_note=change_note,
        provenance=about.provenance,
        deid_profile=deid_profile,
        legal_basis=about.legal_basis,
        quality=dict(quality),
    )


def _facets(tables: CdmTables) -> dict[str, tuple[Facet, ...]]:
    ages = [
        None if age is None else age_band(float(str(age)))
        for age in tables["condition"].column("age_at_diagnosis")
    ]
    return {
        "sex": _facet(tables, "patient", "sex", VALUE_SETS["sex"]),
        "population": _facet(tables, "patient", "population", VALUE_SETS["population"]),
        "age_at_diagnosis": _counted(tables["condition"].column("subject"), ages, _BANDS),
        "cancer": _facet(tables, "condition", "cancer"),
        "stage": _facet(tables, "condition", "stage", VALUE_SETS["stage"]),
        "modality": _facet(tables, "series", "modality"),
        "body_part": _facet(tables, "series", "body_part"),
        "manufacturer": _facet(tables, "series", "manufacturer"),
    }


def age_band(years: float) -> str:
    """Return the ten-year band of an age: 60-69; 90+ from ninety on."""
    start = int(years // 10) * 10
    return f"{_OPEN_BAND}+" if start >= _OPEN_BAND else f"{start}-{start + 9}"


_BANDS = tuple(age_band(years) for years in range(0, _OPEN_BAND + 1, 10))


def _facet(
    tables: CdmTables, table: str, column: str, order: tuple[str, ...] = ()
) -> tuple[Facet, ...]:
    rows = tables[table]
    return _counted(rows.column("subject"), rows.column(column), order)


def _counted(
    subjects: Iterable[object], values: Iterable[object], order: tuple[str, ...] = ()
) -> tuple[Facet, ...]:
    members: dict[str, set[object]] = {}
    for subject, value in zip(subjects, values, strict=True):
        if value:
            members.setdefault(str(value), set()).add(subject)
    place = {value: at for at, value in enumerate(order)}
    names = sorted(members, key=lambda name: (place.get(name, len(place)), name))
    return tuple(Facet(name, len(members[name])) for name in names)


def _present(tables: CdmTables, column: str) -> tuple[str, ...]:
    found = set(tables["patient"].column(column))
    return tuple(value for value in VALUE_SETS[column] if value in found)


def _collection_methods(tables: CdmTables, minimum: int) -> tuple[str, ...]:
    population = Counter(tables["patient"].column("population"))
    cancers = {
        cell.value
        for cell in _facet(tables, "condition", "cancer")
        if (cell.n_subjects or 0) >= minimum
    }
    days: dict[object, set[object]] = {}
    study = tables["study"]
    for subject, day in zip(study.column("subject"), study.column("study_date"), strict=True):
        days.setdefault(subject, set()).add(day)
    is_told = cancers or any(n >= minimum for value, n in population.items() if value)
    methods = ["patient-based" if is_told else "only-image"]
    if sum(len(of_subject) > 1 for of_subject in days.values()) >= minimum:
        methods.append("longitudinal")
    others = sum(population[value] for value in ("control", "benign", "screening"))
    if min(population["cancer"], others) >= minimum:
        methods.append("case-control")
    if len(cancers) == 1 and population["cancer"] >= minimum:
        methods.append("disease-specific")
    return tuple(methods)


def _integers(values: Iterable[object]) -> Iterable[int]:
    return (value for value in values if isinstance(value, int))
