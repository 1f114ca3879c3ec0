"""Wire labels: import as SEG beside a node's images, and export for those who train."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.files.rule_files import vocabulary
from tessera.adapters.models import FolderResults
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.case import recover_quietly
from tessera.bootstrap.datasets import dataset_store, version_of
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.writing import writing_to
from tessera.domain.audit.events import series_exported
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.about import LabelsAbout, read_about
from tessera.domain.zones import Identified
from tessera.node.labels import LabelDesk, LabelsRequest, LabelsStored
from tessera.node.labels_export import ExportDesk
from tessera.ports.labels import ExportedSeries, ExportWish

_MOST_MAP_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsAsked:
    """What `tessera node labels import` was asked, the same for each file."""

    series: Identified[str]
    """A UID, or "auto"."""
    is_original: bool = False
    """The UIDs are as in the PACS."""
    study: Identified[str] | None = None
    map_file: Path | None = None
    made: str = ""
    resample: bool = False


class LabelImport:
    """Takes files of labels into one node, one after the other."""

    def __init__(self, home: Path, asked: LabelsAsked) -> None:
        """Raises NotFound, InvalidLabels, InvalidInput before any file is read."""
        self._about = _about(asked)
        self._node = open_node(home)
        self._asked = asked
        replaced = self._node.pseudonymiser().uid if asked.is_original else str
        series = asked.series.value.strip()
        self._series = None if series == "auto" else replaced(_uid(series, "--series"))
        self._study: str | None = None
        if asked.study is not None:
            self._study = replaced(_uid(asked.study.value.strip(), "--study"))
        self._desk = _desk(self._node)

    def take(self, file: Path) -> LabelsStored:
        """Store one file; see `LabelDesk.take` for what it raises."""
        from tessera.adapters.labels.label_files import read_labels

        if not file.is_file():
            raise NotFound(f"{file} is no file")
        request = LabelsRequest(
            read=lambda: read_labels(file),
            about=self._about,
            series_uid=self._series,
            study_uid=self._study,
            resample=self._asked.resample,
        )
        with writing_to(self._node.home):
            recover_quietly(self._node)
            return self._desk.take(request)


def list_labels(home: Path, series: str | None = None) -> Iterator[dict[str, object]]:
    """Yield what is told of each stored label. Raises NotFound."""
    return _desk(open_node(home)).listed(series and _uid(series, "--series"))


def export_series(
    home: Path, out: Path, series: Sequence[str], wish: ExportWish
) -> Iterator[ExportedSeries]:
    """Write single series as files; see `ExportDesk`."""
    node = open_node(home)
    desk = _export_desk(node, out, "series", wish)
    return desk.of_series([_uid(uid, "--series") for uid in series], wish)


def export_dataset(
    home: Path, out: Path, dataset: str, version: int | None, wish: ExportWish
) -> Iterator[ExportedSeries]:
    """Write the series of a dataset version as files. Raises NotFound."""
    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, dataset, version)
    uids = frozenset(str(one.instance_uid) for one in store.manifest(known, number).instances)
    desk = _export_desk(node, out, f"{known} v{number}", wish)
    return desk.of_instances(uids, wish)


def _desk(node: Node) -> LabelDesk:
    from tessera.adapters.highdicom.labels import HighdicomLabelWriter
    from tessera.adapters.labels.frames import StoredVolumes
    from tessera.adapters.labels.stored_labels import StoredLabels

    path_of = _path_of(node)
    cleaner = TextCleaner(vocabulary(), Identities(), days=1)
    pseudonymiser = node.pseudonymiser()
    return LabelDesk(
        index=node.index,
        volumes=StoredVolumes(path_of),
        writer=HighdicomLabelWriter(path_of, node.store.place),
        reader=StoredLabels(path_of),
        results=FolderResults(node.store, node.index),
        exclusions=exclusions_of(node.home),
        clean=lambda text: cleaner.clean(text).text,
        replaced_uid=pseudonymiser.uid,
        shifted=pseudonymiser.shifted,
        write_down=lambda event: write_down(node.home, event),
    )


def _export_desk(node: Node, out: Path, dataset: str, wish: ExportWish) -> ExportDesk:
    from tessera.adapters.labels.export import FolderSeries

    return ExportDesk(
        index=node.index,
        exporter=FolderSeries(_path_of(node), out),
        exclusions=exclusions_of(node.home),
        write_down=lambda: write_down(node.home, series_exported(dataset, wish.kind.value)),
    )


def _path_of(node: Node) -> Callable[[InstanceRow], Path]:
    return lambda row: node.store.path(row.path)


def _about(asked: LabelsAsked) -> LabelsAbout:
    if asked.map_file is None:
        return read_about("", made=asked.made)
    if asked.map_file.stat().st_size > _MOST_MAP_BYTES:
        raise InvalidInput(f"{asked.map_file.name} is larger than {_MOST_MAP_BYTES} bytes")
    try:
        text = asked.map_file.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise InvalidInput(f"{asked.map_file.name}: it is no text in UTF-8") from err
    return read_about(text, made=asked.made)


def _uid(text: str, option: str) -> str:
    if not text or len(text) > 64 or not all(part.isdecimal() for part in text.split(".")):
        raise InvalidInput(f"{option}: expected a DICOM UID, digits and dots")
    return text
