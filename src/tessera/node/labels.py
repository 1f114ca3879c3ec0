"""Use case: labels that were drawn elsewhere become DICOM SEG beside the images they lie on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.case.errors import SubjectOptedOut
from tessera.domain.case.made import is_research_result
from tessera.domain.errors import Conflict, NotFound, TesseraError
from tessera.domain.ids import Pseudonym, StudyUid
from tessera.domain.imaging.grid import fit, mismatch
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.about import Annotation, LabelsAbout, cleaned
from tessera.domain.labels.drawn import DrawnRegions, on_grid
from tessera.domain.labels.errors import GridMismatch, InvalidLabels
from tessera.domain.labels.label_map import LabelMap, Named
from tessera.domain.labels.volumes import Volume
from tessera.ports.case import ResultStore
from tessera.ports.exclusions import Exclusions
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.labels import LabelReader, LabelWriter, NewLabels, VolumeReader

SEGMENTATIONS: Final = frozenset(("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"))
"""Segmentation Storage, Label Map Segmentation Storage."""
STRUCTURES: Final = "1.2.840.10008.5.1.4.1.1.481.3"
VOLUME_MODALITIES: Final = frozenset(("CT", "MR", "PT", "NM"))


def is_label(row: InstanceRow) -> bool:
    """Say whether an instance is a segmentation or a structure set, and no research result."""
    is_one = row.sop_class_uid in SEGMENTATIONS or row.sop_class_uid == STRUCTURES
    return is_one and not is_research_result(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsRequest:
    """One file of labels."""

    read: Callable[[], LabelMap | DrawnRegions]
    about: LabelsAbout
    series_uid: str | None
    """De-identified; None looks for the series that the labels lie on."""
    study_uid: str | None = None
    """De-identified; looks in this study alone."""
    resample: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsStored:
    """What came of one file."""

    row: InstanceRow
    """Of the SEG."""
    path: Path
    series_uid: str
    """That it lies on."""
    segments: tuple[tuple[str, str, int], ...]
    """Name, what its code means, voxels; in the order of their numbers."""
    is_new: bool
    n_cleaned: int
    """Texts that were changed because a word might name somebody."""
    n_uncoded: int
    """Segments without a code of their own, called Tissue."""
    n_left_out: int
    """Contours that are points or open lines."""
    missing: tuple[str, ...]
    """What tier 1 asks for and nobody told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDesk:
    """What labels are taken in with."""

    index: InstanceIndex
    volumes: VolumeReader
    writer: LabelWriter
    reader: LabelReader
    results: ResultStore
    exclusions: Exclusions
    clean: Callable[[str], str]
    """Returns a text that names nobody."""
    replaced_uid: Callable[[str], str]
    """Returns the UID that stands for one of the PACS."""
    shifted: Callable[[date, Pseudonym], date]
    write_down: Callable[[Event], None]

    def take(self, request: LabelsRequest) -> LabelsStored:
        """Store the labels of one file as SEG.

        Raises InvalidLabels, GridMismatch, NotFound, Conflict, SubjectOptedOut. Then nothing is
        stored.
        """
        found = request.read()
        volume = self._volume(found, request)
        row = volume.frames[0].source
        self._require_in(row.subject)
        labels = on_grid(found, volume.grid, resample=request.resample)
        counts = _counts(labels)
        segments, n_cleaned = cleaned(
            [request.about.segment(label, labels.named.get(label, Named())) for label in counts],
            self.clean,
        )
        annotation = request.about.annotation
        told, n_changed = self._cleaned(annotation)
        days = None
        if annotation.day is not None and row.study_date is not None:
            days = (self.shifted(annotation.day, row.subject) - row.study_date).days
        new = NewLabels(
            volume=volume,
            labels=labels,
            segments=segments,
            annotation=told,
            days_after_study=days,
        )
        made = self.writer.write(new)
        self._require_in(row.subject)
        self.write_down(events.labels_taken(len(segments), annotation.made.value))
        is_new = self.results.put(made)
        return LabelsStored(
            row=made.row.value,
            path=self.results.path(made.row.value),
            series_uid=volume.series_uid,
            segments=tuple((one.name, one.kind.meaning, counts[one.label]) for one in segments),
            is_new=is_new,
            n_cleaned=n_cleaned + n_changed,
            n_uncoded=sum(not one.is_coded for one in segments),
            n_left_out=found.n_left_out if isinstance(found, DrawnRegions) else 0,
            missing=annotation.missing(),
        )

    def listed(self, series_uid: str | None = None) -> Iterator[dict[str, object]]:
        """Yield what is told of each label, by study and series; nothing of who opted out."""
        out = self.exclusions.excluded()
        for row in self.index.all():
            if not is_label(row) or row.subject in out:
                continue
            if series_uid is None or self.reader.is_on(row, series_uid):
                yield {
                    "instance_uid": row.instance_uid,
                    "subject": row.subject,
                    "study_uid": row.study_uid,
                    "series_uid": row.referenced_series_uid,
                    **self.reader.told(row),
                }

    def _cleaned(self, annotation: Annotation) -> tuple[Annotation, int]:
        """Return what may be stored of it, and how many texts were changed for that."""
        words = (
            annotation.algorithm_name,
            annotation.algorithm_version,
            annotation.annotator_type,
            annotation.annotated,
        )
        name, version, kind, annotated = (self.clean(text).strip() for text in words)
        told = replace(
            annotation,
            day=None,
            algorithm_name=name or "not told" * bool(annotation.algorithm_name),
            algorithm_version=version,
            annotator_type=kind,
            annotated=annotated,
        )
        changed = zip(words, (name, version, kind, annotated), strict=True)
        return told, sum(before != after for before, after in changed)

    def _require_in(self, subject: Pseudonym) -> None:
        if subject in self.exclusions.excluded():
            raise SubjectOptedOut("the patient of this series has opted out; nothing is stored")

    def _volume(self, found: LabelMap | DrawnRegions, request: LabelsRequest) -> Volume:
        if request.series_uid is not None:
            rows = self._series(frozenset((request.series_uid,)), request.study_uid)
            if not rows:
                raise NotFound(
                    "this node holds no such series; --series is the de-identified "
                    "SeriesInstanceUID, or with --original the one of the PACS"
                )
            return self._of_series(found, rows, resample=request.resample)
        if isinstance(found, DrawnRegions):
            return self._named(found, request)
        return self._matching(found, request)

    def _named(self, found: DrawnRegions, request: LabelsRequest) -> Volume:
        told = found.series.value
        wanted = told | {self.replaced_uid(uid) for uid in told}
        rows = self._series(frozenset(wanted), request.study_uid)
        if len({row.series_uid for row in rows}) != 1:
            raise NotFound(
                "the RTSTRUCT names no series of this node, or several: name one with --series"
            )
        return self._of_series(found, rows, resample=request.resample)

    def _of_series(
        self, found: LabelMap | DrawnRegions, rows: Sequence[InstanceRow], *, resample: bool
    ) -> Volume:
        self._require_in(rows[0].subject)
        volumes = self.volumes.volumes(rows)
        if not volumes.found:
            why = volumes.problems[0] if volumes.problems else "it has no images"
            raise Conflict(f"the series is no volume that labels can lie on: {why}")
        if isinstance(found, LabelMap):
            for volume in volumes.found:
                if fit(found.grid, volume.grid) is not None:
                    return volume
        elif not resample:
            for volume in volumes.found:
                if _takes(found, volume):
                    return volume
        return max(volumes.found, key=lambda one: len(one.frames))

    def _matching(self, found: LabelMap, request: LabelsRequest) -> Volume:
        """Return the one volume whose voxels the labels are; series share grids within a study."""
        matching: dict[str, Volume] = {}
        nearest: tuple[float, str] | None = None
        sizes = set(found.grid.shape)
        for rows in self._candidates(request.study_uid):
            if rows[0].frames == 1 and not {rows[0].rows, rows[0].columns} <= sizes:
                continue
            for volume in self.volumes.volumes(rows).found:
                if volume.grid.shape != found.grid.shape and sorted(volume.grid.shape) != sorted(
                    found.grid.shape
                ):
                    continue
                if fit(found.grid, volume.grid) is not None:
                    matching.setdefault(volume.series_uid, volume)
                    continue
                apart = mismatch(found.grid, volume.grid)
                if nearest is None or apart.mm < nearest[0]:
                    nearest = (apart.mm, apart.told())
        if len(matching) == 1:
            return next(iter(matching.values()))
        if matching:
            raise Conflict(
                f"{len(matching)} series have these voxels; name one with --series: "
                + ", ".join(sorted(matching)[:8])
            )
        said = f"; the nearest is {nearest[1]}" if nearest else ""
        raise GridMismatch(f"no series of this node has the voxels of the labels{said}")

    def _candidates(self, study_uid: str | None) -> Iterator[list[InstanceRow]]:
        out = self.exclusions.excluded()
        for _, rows in groupby(self._rows(study_uid), key=lambda row: row.series_uid):
            series = list(rows)
            first = series[0]
            if first.modality in VOLUME_MODALITIES and first.subject not in out:
                yield series

    def _series(self, uids: frozenset[str], study_uid: str | None) -> list[InstanceRow]:
        return [row for row in self._rows(study_uid) if row.series_uid in uids]

    def _rows(self, study_uid: str | None) -> Iterator[InstanceRow]:
        if study_uid is None:
            yield from self.index.all()
            return
        rows = self.index.of_study(StudyUid(study_uid))
        if not rows:
            raise NotFound("this node holds no such study")
        yield from rows


def _counts(labels: LabelMap) -> Mapping[int, int]:
    """Return label → voxels, for what is labelled. Raises InvalidLabels when nothing is."""
    import numpy as np

    found: dict[int, int] = {}
    for layer in labels.layers:
        counts = np.bincount(layer[layer > 0])
        for label in np.flatnonzero(counts):
            found[int(label)] = found.get(int(label), 0) + int(counts[label])
    if not found:
        raise InvalidLabels("nothing is labelled in the file")
    return dict(sorted(found.items()))


def _takes(found: DrawnRegions, volume: Volume) -> bool:
    try:
        on_grid(DrawnRegions(found.regions[:1], found.series), volume.grid)
    except TesseraError:
        return False
    return True
