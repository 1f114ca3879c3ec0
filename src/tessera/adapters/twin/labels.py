"""A made-up segmentation on a made-up series. Source: PS3.3 A.51, C.8.20."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset as DicomDataset


def segmentation(
    sources: Sequence[DicomDataset], series: Mapping[str, Any], instance_uid: str
) -> DicomDataset:
    """Return a SEG with one segment, a small ball in the middle of `sources`."""
    import highdicom
    from highdicom.seg import (
        SegmentAlgorithmTypeValues,
        Segmentation,
        SegmentationTypeValues,
        SegmentDescription,
    )
    from pydicom.sr.codedict import codes

    rows, columns = int(sources[0].Rows), int(sources[0].Columns)
    z, y, x = np.ogrid[: len(sources), :rows, :columns]
    reach = max(1.0, len(sources) / 4)
    ball = ((z - len(sources) / 2) / reach) ** 2
    ball = ball + ((y - rows / 2) / (rows / 10)) ** 2 + ((x - columns / 2) / (columns / 10)) ** 2
    described = SegmentDescription(
        segment_number=1,
        segment_label="Lesion",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=f"{instance_uid}.1",
        tracking_id="lesion 1",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a pseudonym has one component
        made = Segmentation(
            source_images=list(sources),
            pixel_array=(ball <= 1).astype(np.uint8),
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[described],
            series_instance_uid=str(series["series_uid"]),
            series_number=int(series.get("series_number") or 1),
            sop_instance_uid=instance_uid,
            instance_number=1,
            manufacturer=str(series.get("manufacturer") or "Tessera"),
            manufacturer_model_name="twin",
            software_versions=highdicom.__version__,
            device_serial_number="0",
            content_label="LESION",
        )
    made.SyntheticData = "YES"
    made.PatientIdentityRemoved, made.DeidentificationMethod = "YES", "Synthetic twin"
    return made
