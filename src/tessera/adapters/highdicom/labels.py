"""A SEG of labels that people or programs drew elsewhere. Source: PS3.3 A.51, C.8.20."""

import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import highdicom
import numpy as np
import numpy.typing as npt
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sr.coding import Code

from tessera import __version__
from tessera.adapters.highdicom.sources import read_sources
from tessera.adapters.highdicom.writer import part10
from tessera.domain.case.made import MAKER
from tessera.domain.case.result import made_uid
from tessera.domain.deid.derived import derived_instance
from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.labels.about import Made, SegmentAbout
from tessera.domain.labels.coding import Concept
from tessera.domain.labels.errors import InvalidLabels
from tessera.domain.labels.label_map import LabelMap
from tessera.domain.labels.stored import MODEL, written
from tessera.ports.case import MadeObject
from tessera.ports.labels import NewLabels

_SERIES_NUMBER: Final = 9100
_MOST_BYTES: Final = 3 << 30
"""Of overlapping segments, unpacked: that many bytes are in memory while they are written."""
_OTHER: Final = Code("113077", "DCM", "Other Algorithm Family")


class HighdicomLabelWriter:
    """A LabelWriter. `path_of` finds an image's file, `place_of` a place for a new one."""

    def __init__(
        self,
        path_of: Callable[[InstanceRow], Path],
        place_of: Callable[[InstanceUid], str],
    ) -> None:
        self._path_of = path_of
        self._place_of = place_of

    def write(self, new: NewLabels) -> MadeObject:
        if not new.segments:
            raise InvalidLabels("nothing is labelled in the file")
        rows, pixels = _pixels(new)
        sources = read_sources(rows, self._path_of)
        try:
            with warnings.catch_warnings():
                # A pseudonym has one component: highdicom asks whether that is meant. It is.
                warnings.simplefilter("ignore", UserWarning)
                made = _segmentation(new, pixels, sources)
        except (ValueError, TypeError, AttributeError, KeyError) as err:
            raise InvalidLabels(f"no SEG can be made on this series: {err}") from err
        content = part10(made, sources[0])
        place = self._place_of(InstanceUid(str(made.SOPInstanceUID)))
        return MadeObject(row=derived_instance(content, rows, place=place), content=content)


def _pixels(new: NewLabels) -> tuple[list[InstanceRow], npt.NDArray[Any]]:
    """Return the images that have a label on them, and their segment numbers.

    The shape is (frames, rows, columns), or where segments overlap with a last axis of segments.
    Of a multi-frame image it has all its frames.
    """
    layers, frames = new.labels.layers, new.volume.frames
    marked = np.zeros(len(frames), np.bool_)
    for layer in layers:
        marked |= layer.any(axis=(1, 2))
    kept = np.flatnonzero(marked)
    sources = list(
        {frames[index].source.instance_uid: frames[index].source for index in kept}.values()
    )
    if len(sources) > 1 and any(row.frames > 1 for row in sources):
        raise InvalidLabels("its slices lie in more than one multi-frame image")
    pixels = _numbered(new.labels, [one.label for one in new.segments], kept)
    if sources[0].frames == 1:
        return sources, pixels
    whole = np.zeros((sources[0].frames, *pixels.shape[1:]), pixels.dtype)
    whole[[frames[index].number for index in kept]] = pixels
    return sources, whole


def _numbered(
    labels: LabelMap, numbers: list[int], kept: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    dtype = np.uint8 if len(numbers) < 256 else np.uint16
    if len(labels.layers) == 1:
        plane = labels.layers[0][kept]
        if numbers == [*range(1, len(numbers) + 1)]:
            return np.asarray(plane, dtype)
        table = np.zeros(65536, dtype)
        table[numbers] = np.arange(1, len(numbers) + 1)
        return np.asarray(table[plane])
    shape = (len(kept), *labels.grid.shape[1:], len(numbers))
    if int(np.prod(shape)) > _MOST_BYTES:
        raise InvalidLabels(
            "too many overlapping segments for one object: split the file into several"
        )
    out = np.zeros(shape, np.uint8)
    for layer in labels.layers:
        part = layer[kept]
        for index, label in enumerate(numbers):
            out[..., index] |= part == label
    return out


def _segmentation(
    new: NewLabels, pixels: npt.NDArray[Any], sources: list[DicomDataset]
) -> DicomDataset:
    said = written(new.annotation, new.days_after_study)
    told = repr((said, new.annotation.annotator, list(new.segments), new.annotation.made))
    images = "".join(str(one.SOPInstanceUID) for one in sources)
    digest = sha256(f"{told}{images}{pixels.shape}".encode())
    digest.update((np.packbits(pixels) if pixels.ndim == 4 else pixels).tobytes())
    uid = made_uid("labels", digest.hexdigest())
    made: DicomDataset = Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type="BINARY",
        segment_descriptions=[
            _described(new, one, number, uid) for number, one in enumerate(new.segments, start=1)
        ],
        series_instance_uid=made_uid("labels series", uid),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=new.volume.series_uid[-16:],
        series_description=f"Annotation {new.annotation.made.value.lower()}",
        content_label="ANNOTATION",
        content_creator_name=new.annotation.annotator or None,
    )
    if said:
        made.ImageComments = said
    organisation = made_uid("dimensions", uid)
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for index in made.DimensionIndexSequence:
        if "DimensionOrganizationUID" in index:
            index.DimensionOrganizationUID = organisation
    for item, one in zip(made.SegmentSequence, new.segments, strict=True):
        if one.description:
            item.SegmentDescription = one.description[:1024]
        if one.laterality is not None:
            side = highdicom.sr.CodedConcept(*one.laterality)
            item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
                side
            ]
    return made


def _described(new: NewLabels, one: SegmentAbout, number: int, uid: str) -> SegmentDescription:
    by = None
    if new.annotation.made is not Made.MANUAL:
        by = highdicom.AlgorithmIdentificationSequence(
            name=new.annotation.algorithm_name,
            family=_OTHER,
            version=new.annotation.algorithm_version or "not told",
        )
    colour = None
    if one.colour is not None:
        colour = highdicom.color.CIELabColor.from_rgb(*one.colour)
    return SegmentDescription(
        segment_number=number,
        segment_label=one.name[:64],
        segmented_property_category=_code(one.category),
        segmented_property_type=_code(one.kind),
        algorithm_type=new.annotation.made.value,
        algorithm_identification=by,
        tracking_uid=made_uid("label", uid, str(one.label)),
        tracking_id=f"label {one.label}",
        anatomic_regions=None if one.anatomy is None else [_code(one.anatomy)],
        display_color=colour,
    )


def _code(concept: Concept) -> Code:
    return Code(concept.value, concept.scheme, concept.meaning)
