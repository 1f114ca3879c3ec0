"""Use case: freeze what the node holds into an immutable dataset version."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tessera.domain.case.made import is_research_result
from tessera.domain.catalogue.about import DatasetAbout
from tessera.domain.catalogue.describe import describe
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.faults import require_sound
from tessera.domain.catalogue.manifest import InstanceEntry, Manifest, Previous, TableEntry
from tessera.domain.clinical.build import CdmTables, build_tables
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.concepts import vocabulary_version
from tessera.domain.clinical.imaging_tables import ImagingSaid, imaging_tables
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.errors import Conflict, InvalidInput
from tessera.domain.ids import DatasetId, InstanceUid, Pseudonym
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.zones import Released
from tessera.ports.clinical_store import ClinicalStore
from tessera.ports.dataset_store import DatasetStore, StagedVersion
from tessera.ports.exclusions import Exclusions
from tessera.ports.instance_index import InstanceIndex

if TYPE_CHECKING:
    from tessera.domain.quality.report import QualityReport

Documents = Callable[[Released[DatasetDescription], "QualityReport"], Mapping[str, bytes]]
"""From the released description and the quality report, the other files of the version."""
ReadImaging = Callable[[Iterable[InstanceRow]], ImagingSaid]
"""From instances, what their files say of acquisition and segments."""
SelectSubjects = Callable[[Path, str], frozenset[str]]
"""From a folder with tables and a cohort query, the subjects for whom it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What to freeze."""

    dataset_id: DatasetId
    about: DatasetAbout
    deid_profile: str
    software: str
    now: datetime
    where: str = ""
    """A cohort query; empty means every subject."""
    change_note: str = ""
    """What the version changes, in the holder's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOutcome:
    """What came of it. The numbers are exact and stay inside the node."""

    dataset_id: DatasetId
    version: int
    manifest_sha256: str
    folder: Path
    is_new: bool
    """False when the newest version already holds exactly this."""
    n_rows: Mapping[str, int]
    """Table → rows."""
    n_without_images: int
    n_without_record: int
    findings: Mapping[str, int]
    """Severity → findings of the quality report; empty when no version was made."""


@dataclass(frozen=True, slots=True)
class DatasetWorkshop:
    """What versions are made from and with."""

    index: InstanceIndex
    clinical: ClinicalStore
    store: DatasetStore
    exclusions: Exclusions
    policy: CountPolicy
    documents: Documents
    select: SelectSubjects
    imaging: ReadImaging = lambda _rows: ImagingSaid()
    on_step: Callable[[str], None] = lambda _step: None

    def freeze(self, request: NewVersion) -> VersionOutcome:
        """Make a version, or find that the newest one already holds the same content.

        Raises FaultyDescription with every fault of the words, InvalidInput when there is
        nothing to freeze or `where` is not understood, Conflict when another process is making
        a version.
        """
        require_sound(request.about)
        with self.store.stage() as staged:
            return self._freeze(request, staged)

    def _freeze(self, request: NewVersion, staged: StagedVersion) -> VersionOutcome:
        self.on_step("reading the index and the clinical records")
        excluded = self.exclusions.excluded()
        records = tuple(r for r in self.clinical.all() if r.subject.subject not in excluded)
        rows = tuple(
            row
            for row in self.index.all()
            if row.subject not in excluded and not is_research_result(row)
        )
        if request.where:
            self.on_step("choosing subjects")
            staged.write_tables(build_tables(records, rows))
            chosen = self.select(staged.folder, request.where)
            records, rows = _of_subjects(chosen, records, rows)
        if not rows:
            why = "no subject matches --where" if request.where else "ingest images first"
            raise InvalidInput(f"there is nothing to put into dataset {request.dataset_id}; {why}")
        self.on_step("reading how the series were acquired, and what is segmented")
        tables = build_tables(records, rows, imaging_tables(self.imaging(rows)))
        self.on_step("writing tables")
        entries = staged.write_tables(tables)
        manifest = self._manifest(request, tables, entries)
        newest = self._newest(request.dataset_id)
        if newest is not None and newest.content_sha256 == manifest.content_sha256:
            folder = self.store.folder(newest.dataset_id, newest.version)
            return _outcome(newest, folder, tables, is_new=False, findings={})
        self.on_step("checking quality")
        from tessera.domain.quality.report import run_checks  # loads numpy

        report = run_checks(CheckInput(rows=rows, records=records))
        findings = {severity.value: n for severity, n in report.counts.items()}
        self.on_step("describing")
        exact = describe(
            tables,
            request.about,
            n_instances=manifest.tables["instance"].n_rows,
            dataset_id=manifest.dataset_id,
            version=manifest.version,
            created=manifest.created,
            manifest_sha256=manifest.sha256,
            deid_profile=request.deid_profile,
            quality=findings,
            minimum=self.policy.minimum,
            change_note=manifest.change_note,
        )
        released = disclose_description(exact, self.policy)
        for name, content in self.documents(released, report).items():
            staged.write(name, content)
        folder = staged.commit(manifest)
        return _outcome(manifest, folder, tables, is_new=True, findings=findings)

    def _newest(self, dataset_id: DatasetId) -> Manifest | None:
        versions = self.store.versions(dataset_id)
        return self.store.manifest(dataset_id, versions[-1]) if versions else None

    def _manifest(
        self, request: NewVersion, tables: CdmTables, entries: Mapping[str, TableEntry]
    ) -> Manifest:
        newest = self._newest(request.dataset_id)
        instance = tables["instance"]
        columns = ("instance_uid", "sha256", "n_bytes", "path")
        return Manifest(
            dataset_id=request.dataset_id,
            version=newest.version + 1 if newest else 1,
            created=request.now.replace(microsecond=0),
            tables=dict(entries),
            instances=tuple(
                InstanceEntry(InstanceUid(str(uid)), str(digest), int(str(n_bytes)), str(path))
                for uid, digest, n_bytes, path in zip(
                    *(instance.column(name) for name in columns), strict=True
                )
            ),
            deid_profile=request.deid_profile,
            mappings=tuple(
                sorted({(d.mapping_name, d.mapping_version) for d in self.clinical.deliveries()})
            ),
            vocabulary=vocabulary_version(),
            where=request.where,
            about=request.about.as_json(),
            software=request.software,
            previous=Previous(newest.version, newest.sha256) if newest else None,
            change_note=request.change_note,
        )


def _of_subjects(
    chosen: frozenset[str], records: Iterable[ClinicalRecord], rows: Iterable[InstanceRow]
) -> tuple[tuple[ClinicalRecord, ...], tuple[InstanceRow, ...]]:
    return (
        tuple(record for record in records if record.subject.subject in chosen),
        tuple(row for row in rows if row.subject in chosen),
    )


def _outcome(
    manifest: Manifest,
    folder: Path,
    tables: CdmTables,
    *,
    is_new: bool,
    findings: Mapping[str, int],
) -> VersionOutcome:
    return VersionOutcome(
        dataset_id=manifest.dataset_id,
        version=manifest.version,
        manifest_sha256=manifest.sha256,
        folder=folder,
        is_new=is_new,
        n_rows={name: len(table.rows) for name, table in tables.by_name.items()},
        n_without_images=tables.n_without_images,
        n_without_record=tables.n_without_record,
        findings=findings,
    )


def require_nobody_opted_out(
    store: DatasetStore, dataset_id: DatasetId, version: int, exclusions: Exclusions
) -> None:
    """Raise Conflict when a version still holds somebody who has opted out since."""
    found = exclusions.excluded() & subjects_of_version(store, dataset_id, version)
    if found:
        where = store.manifest(dataset_id, version).where
        again = f"tessera node dataset create HOME --id {dataset_id}"
        again += f" --where {shlex.quote(where)}" if where else ""
        raise Conflict(
            f"version {version} of dataset {dataset_id} holds {len(found)} who opted out since; "
            f"make a version without them and publish that: {again}"
        )


def subjects_of_version(
    store: DatasetStore, dataset_id: DatasetId, version: int
) -> frozenset[Pseudonym]:
    """Return who is in a version. Raises InvalidInput when its table cannot be read."""
    patient = store.tables(dataset_id, version, ("patient",))["patient"]
    return frozenset(Pseudonym(str(subject)) for subject in patient.column("subject"))


def released_description(
    store: DatasetStore, dataset_id: DatasetId, version: int, policy: CountPolicy
) -> Released[DatasetDescription]:
    """Return the description of a stored version, through the gate as the policy is now."""
    manifest = store.manifest(dataset_id, version)
    quality = json.loads(store.read(dataset_id, version, "quality.json"))
    exact = describe(
        store.tables(dataset_id, version, ("patient", "condition", "study", "series")),
        DatasetAbout.from_json(manifest.about),
        n_instances=manifest.tables["instance"].n_rows,
        dataset_id=dataset_id,
        version=version,
        created=manifest.created,
        manifest_sha256=manifest.sha256,
        deid_profile=manifest.deid_profile,
        quality=quality["summary"],
        minimum=policy.minimum,
        change_note=manifest.change_note,
    )
    return disclose_description(exact, policy)
