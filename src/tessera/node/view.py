"""Use case: what one run sees of the permitted dataset versions, and a record of who was in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tessera.domain.access.airlock_search import Known
from tessera.domain.access.permit import Permit, PermitRefused, Reason
from tessera.domain.ids import DatasetId, NodeId, Pseudonym
from tessera.ports.dataset_store import DatasetStore
from tessera.ports.exclusions import Exclusions
from tessera.ports.run_records import RunRecords
from tessera.ports.view import ViewMaker

Versions = Sequence[tuple[DatasetId, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    folder: Path
    """Goes to /data: a folder for each dataset."""
    subjects: frozenset[Pseudonym]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Makes the views of runs and trainings."""

    home: Path
    node_id: NodeId
    maker: ViewMaker
    store: DatasetStore
    exclusions: Exclusions
    records: RunRecords

    def make(self, use_id: str, permit: Permit, datasets: Versions) -> RunView:
        """Make HOME/runs/<use id>/data without those who have opted out at this moment.

        Who is in it has been written down when this returns. Raises PermitRefused DATASET,
        NotFound, Conflict, and Unavailable when it cannot be told who has opted out.
        """
        permitted = {(one.dataset_id, one.version): one for one in permit.of_node(self.node_id)}
        if not set(datasets) <= permitted.keys():
            raise PermitRefused(Reason.DATASET)
        excluded = self.exclusions.excluded()
        folder = self.folder(use_id)
        self.maker.remove(folder)
        everybody: set[Pseudonym] = set()
        for dataset_id, version in datasets:
            made = self.maker.make(
                folder,
                dataset_id,
                version,
                manifest_sha256=permitted[dataset_id, version].manifest_sha256,
                excluded=excluded,
            )
            self.records.put_subjects(use_id, dataset_id, version, made.subjects)
            everybody |= made.subjects
        return RunView(folder=folder, subjects=frozenset(everybody))

    def remove(self, use_id: str) -> None:
        self.maker.remove(self.folder(use_id))

    def folder(self, use_id: str) -> Path:
        return self.home / "runs" / use_id / "data"

    def opted_out(self, use_id: str) -> frozenset[Pseudonym]:
        """Return who is in the run, in its last attempt, and has opted out since."""
        return self._present(use_id) & self.exclusions.excluded()

    def _present(self, use_id: str) -> frozenset[Pseudonym]:
        seen = self.records.seen(use_id=use_id)
        return frozenset(one.subject for one in seen if one.is_last)

    def known(self, use_id: str, datasets: Versions, minimum: int) -> Known:
        """Return what is to be looked for in the outputs of a run."""
        n_subjects = len(self._present(use_id))
        subjects: set[str] = set()
        uids: set[str] = set()
        hashes: set[str] = set()
        sizes = {n_subjects}
        shapes: set[tuple[int, int]] = set()
        for dataset_id, version in datasets:
            tables = self.store.tables(
                dataset_id, version, ("patient", "study", "series", "instance")
            )
            sizes |= {len(tables[name].rows) for name in ("patient", "study", "series", "instance")}
            subjects |= {str(one) for one in tables["patient"].column("subject")}
            for name in ("study", "series", "instance"):
                uids |= {str(one) for one in tables[name].column(f"{name}_uid")}
            hashes |= {str(one) for one in tables["instance"].column("sha256")}
            series = tables["series"]
            sides = zip(series.column("rows"), series.column("columns"), strict=True)
            shapes |= {(r, c) for r, c in sides if isinstance(r, int) and isinstance(c, int)}
        return Known(
            minimum=minimum,
            n_subjects=n_subjects,
            subjects=frozenset(subjects),
            uids=frozenset(uids),
            hashes=frozenset(hashes),
            sizes=frozenset(sizes - {0, 1}),
            image_shapes=frozenset(shapes),
        )
