"""Single records for a Beacon: only for a use of a permit that lets its datasets be downloaded.

A use is signed by the person for one request: its `what` is the hash of what was asked, so that
whoever passes it on can ask nothing else with it. Those who have opted out are in no answer.
"""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tessera.domain.access.permit import Action, PermitRefused, PermittedDataset, Reason
from tessera.domain.audit.events import records_told
from tessera.domain.cohort.beacon import RecordSet
from tessera.domain.cohort.beacon_records import TABLES, SubjectRows, imaging_studies, individual
from tessera.domain.cohort.beacon_request import IMAGING, BeaconRequest, Json
from tessera.domain.cohort.exact import NotSupported
from tessera.node.permits import PermitBook
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.exclusions import Exclusions
from tessera.ports.record_rows import RecordRows, Row
from tessera.wire.beacon import what_is_asked


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDesk:
    book: PermitBook
    rows: RecordRows
    engine: CohortEngine
    exclusions: Exclusions
    audit: AuditLog
    clock: Clock

    def records(
        self, token: str, path: str, sent: bytes, asked: BeaconRequest, entity: str
    ) -> list[RecordSet]:
        """Return a page of the matching records of each dataset version that the use names.

        Raises PermitRefused with its reason; NotFound or Conflict when a version is not here as
        the permit names it. Each use is in the audit log before, allowed or not, and so is how
        many records it is told: Conflict when the log does not take it.
        """
        use = self.book.check(token, Action.FETCH).use
        if use.what != what_is_asked(path, sent):
            raise PermitRefused(Reason.ALTERED, "the use is signed for another request")
        named = self.book.permit(use.permit_id).of_node(use.node_id)
        found = [
            self._of_version(one, asked, entity)
            for one in named
            if (one.dataset_id, one.version) in use.datasets
        ]
        n_told = {f"{one.dataset_id} v{one.version}": len(one.records) for one in found}
        told = records_told(use.use_id, use.permit_id, str(asked.query), n_told)
        self.audit.append(told, self.clock.now())
        return found

    def _of_version(self, one: PermittedDataset, asked: BeaconRequest, entity: str) -> RecordSet:
        folder = self.rows.folder(one.dataset_id, one.version, one.manifest_sha256, TABLES)
        found = self.engine.matching(folder, asked.query, self.exclusions.excluded())
        n_total, records, lacking = 0, list[Json](), tuple[str, ...]()
        page = slice(asked.skip, asked.skip + asked.limit)
        if isinstance(found, NotSupported):
            lacking = found.fields
        elif entity == IMAGING:
            n_total = len(found.studies)
            shown = frozenset(sorted(found.studies)[page])
            owners = self._owners(folder, found.subjects, shown)
            studies = [imaging_studies(rows, shown) for rows in self._subjects(folder, owners)]
            records = sorted(chain(*studies), key=lambda record: str(record["imageStudyId"]))
        else:
            n_total = len(found.subjects)
            names = frozenset(sorted(found.subjects)[page])
            records = [individual(rows) for rows in self._subjects(folder, names)]
        return RecordSet(
            dataset_id=one.dataset_id,
            version=one.version,
            n_total=n_total,
            records=records,
            not_supported=lacking,
        )

    def _owners(
        self, folder: Path, among: frozenset[str], studies: frozenset[str]
    ) -> frozenset[str]:
        rows = self.rows.rows(folder, "study", among)
        return frozenset(str(row["subject"]) for row in rows if row["study_uid"] in studies)

    def _subjects(self, folder: Path, names: frozenset[str]) -> list[SubjectRows]:
        """Return what the version holds of these subjects, in the order of their names."""
        of: dict[str, dict[str, list[Row]]] = {
            name: {table: [] for table in TABLES} for name in sorted(names)
        }
        for table in TABLES:
            for row in self.rows.rows(folder, table, names):
                of[str(row["subject"])][table].append(row)
        return [
            SubjectRows(
                patient=one["patient"][0],
                conditions=one["condition"],
                studies=one["study"],
                series=one["series"],
            )
            for one in of.values()
        ]
