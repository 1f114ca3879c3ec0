"""Use case: series of the research zone and their labels as files for those who train."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tessera.domain.case.errors import SubjectOptedOut
from tessera.domain.errors import NotFound
from tessera.domain.imaging.instance import InstanceRow
from tessera.node.labels import VOLUME_MODALITIES, is_label
from tessera.ports.exclusions import Exclusions
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.labels import ExportedSeries, ExportWish, SeriesExporter


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDesk:
    """What series are exported with. Nothing of who opted out is written."""

    index: InstanceIndex
    exporter: SeriesExporter
    exclusions: Exclusions
    write_down: Callable[[], None]
    """Called once, before the first file."""

    def of_series(self, series_uids: Sequence[str], wish: ExportWish) -> Iterator[ExportedSeries]:
        """Yield one outcome for each series named. Raises NotFound, SubjectOptedOut first."""
        wanted = set(series_uids)
        studies = {row.study_uid for row in self.index.all() if row.series_uid in wanted}
        rows = [row for study in sorted(studies) for row in self.index.of_study(study)]
        lost = wanted - {row.series_uid for row in rows}
        if lost:
            raise NotFound(
                "this node holds no such series; --series is the de-identified SeriesInstanceUID"
            )
        subjects = {row.subject for row in rows if row.series_uid in wanted}
        if subjects & self.exclusions.excluded():
            raise SubjectOptedOut("the patient of a series has opted out; nothing is written")
        self.write_down()
        yield from self._written(rows, wish, wanted)

    def of_instances(
        self, instance_uids: frozenset[str], wish: ExportWish
    ) -> Iterator[ExportedSeries]:
        """Yield one outcome for each series of a dataset version, whose instances are given."""
        rows = [row for row in self.index.all() if row.instance_uid in instance_uids]
        self.write_down()
        yield from self._written(rows, wish, None)

    def _written(
        self, rows: Sequence[InstanceRow], wish: ExportWish, wanted: set[str] | None
    ) -> Iterator[ExportedSeries]:
        for _, study in groupby(rows, key=lambda row: row.study_uid):
            images = list(study)
            labels = [row for row in images if is_label(row)]
            for uid, series in groupby(images, key=lambda row: row.series_uid):
                found = list(series)
                is_asked = uid in wanted if wanted else found[0].modality in VOLUME_MODALITIES
                if not is_asked or found[0].subject in self.exclusions.excluded():
                    continue
                yield self.exporter.export(found, labels, wish)
