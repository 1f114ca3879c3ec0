"""A SeriesExporter: a series and its labels as NIfTI or NRRD in a folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tessera.adapters.labels.frames import StoredVolumes, opened
from tessera.adapters.labels.pixels import values_of
from tessera.adapters.labels.stored_labels import StoredLabels, told_of
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.domain.imaging.grid import Grid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.errors import GridMismatch
from tessera.domain.labels.file_kind import FileKind
from tessera.domain.labels.label_map import Colour, LabelMap, Named
from tessera.domain.labels.nifti import write_nifti
from tessera.domain.labels.nrrd import segment_keys, write_nrrd
from tessera.domain.labels.volumes import Volume
from tessera.ports.labels import ExportedSeries, ExportWish


class FolderSeries:
    """Writes <folder>/<subject>/<series UID>/image.nii.gz, labels.nii.gz, labels.json, …"""

    def __init__(self, path_of: Callable[[InstanceRow], Path], folder: Path) -> None:
        self._path_of = path_of
        self._folder = folder
        self._volumes = StoredVolumes(path_of)
        self._labels = StoredLabels(path_of)

    def export(
        self, rows: Sequence[InstanceRow], labels: Sequence[InstanceRow], wish: ExportWish
    ) -> ExportedSeries:
        first = rows[0]
        place = self._folder / first.subject / first.series_uid
        files: list[str] = []
        found = self._volumes.volumes(rows)
        problems = list(found.problems)
        for number, volume in enumerate(found.found, start=1):
            name = "image" if number == 1 else f"image-{number}"
            try:
                values = values_of(volume, self._path_of, suv=wish.suv, dtype=wish.dtype)
            except InvalidInput as err:
                problems.append(str(err))
                continue
            files += _write(place, {_file(name, wish): _content(values, volume.grid, wish)})
            files += _write(place, {f"{name}.json": _json(_of_image(volume, first, wish))})
        n_labels = 0
        for label in labels if found.found else ():
            if not self._labels.is_on(label, first.series_uid):
                continue
            name = "labels" if n_labels == 0 else f"labels-{n_labels + 1}"
            try:
                files += self._label(label, found.found, place / name, wish)
                n_labels += 1
            except TesseraError as err:
                problems.append(str(err))
        return ExportedSeries(
            series_uid=first.series_uid,
            folder=place if files else None,
            files=tuple(files),
            n_labels=n_labels,
            problems=tuple(problems),
        )

    def _label(
        self, label: InstanceRow, volumes: Sequence[Volume], stem: Path, wish: ExportWish
    ) -> list[str]:
        told = told_of(opened(self._path_of(label)))
        found, number = self._on_first(label, volumes, resample=wish.resample)
        segments: Any = told["segments"]
        named = {
            int(one["number"]): Named(str(one.get("label", "")), _colour(one.get("colour")))
            for one in segments
        }
        image = "image" if number == 1 else f"image-{number}"
        written: dict[str, bytes] = {}
        about: dict[str, object] = {
            "image": _file(image, wish),
            "instance_uid": label.instance_uid,
            **told,
        }
        if wish.kind is FileKind.NRRD:
            layer_of = {
                int(value): index
                for index, layer in enumerate(found.layers)
                for value in np.unique(layer)
                if value
            }
            array = np.stack(found.layers) if len(found.layers) > 1 else found.layers[0]
            keys = segment_keys({k: v for k, v in named.items() if k in layer_of}, layer_of)
            written[f"{stem.name}.seg.nrrd"] = write_nrrd(_small(array), found.grid, keys)
        elif len(found.layers) == 1:
            array = _small(found.layers[0])
            written[f"{stem.name}.nii.gz"] = write_nifti(array, found.grid)
        else:
            written |= _each(found, stem.name)
        about["files"] = sorted(written)
        return _write(stem.parent, {**written, f"{stem.name}.json": _json(about)})

    def _on_first(
        self, label: InstanceRow, volumes: Sequence[Volume], *, resample: bool
    ) -> tuple[LabelMap, int]:
        """Return the labels on the first volume whose voxels they are, and its number."""
        problem: GridMismatch | None = None
        for number, volume in enumerate(volumes, start=1):
            try:
                return self._labels.on_grid(label, volume.grid, resample=False), number
            except GridMismatch as err:
                problem = problem or err
        if not resample and problem is not None:
            raise problem
        return self._labels.on_grid(label, volumes[0].grid, resample=True), 1


def _each(found: LabelMap, stem: str) -> dict[str, bytes]:
    """Return one mask for each segment: they overlap."""
    files = {}
    for value in found.values():
        mask = np.zeros(found.grid.shape, np.uint8)
        for layer in found.layers:
            mask |= layer == value
        files[f"{stem}-segment-{value}.nii.gz"] = write_nifti(mask, found.grid)
    return files


def _of_image(volume: Volume, row: InstanceRow, wish: ExportWish) -> Mapping[str, object]:
    return {
        "subject": row.subject,
        "study_uid": row.study_uid,
        "series_uid": row.series_uid,
        "modality": row.modality,
        "unit": "SUVbw g/ml" if wish.suv else "as rescaled",
        "told_apart_by": list(volume.keys),
        "left_out_frames": volume.n_left_out,
        "slices": [f"{one.source.instance_uid}#{one.number + 1}" for one in volume.frames],
    }


def _small(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(np.uint8) if int(array.max(initial=0)) < 256 else array


def _content(values: npt.NDArray[Any], grid: Grid, wish: ExportWish) -> bytes:
    return (write_nifti if wish.kind is FileKind.NIFTI else write_nrrd)(values, grid)


def _file(name: str, wish: ExportWish) -> str:
    return f"{name}.nii.gz" if wish.kind is FileKind.NIFTI else f"{name}.nrrd"


def _colour(parts: Any) -> Colour | None:
    return (int(parts[0]), int(parts[1]), int(parts[2])) if parts else None


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _write(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    for name, content in files.items():
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)
    return list(files)
