"""A SEG of what a model marked. Source: PS3.3 A.51, C.8.20."""

import highdicom
import numpy as np
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentDescription,
)
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sr.coding import Code

from tessera.domain.case.made import MAKER, MAKER_MODEL
from tessera.domain.case.model import ReleasedModel
from tessera.domain.case.result import NOTICE, CaseAnswer, Mask, made_uid

_CATEGORY = Code("49755003", "SCT", "Morphologically Abnormal Structure")
"""PS3.16 CID 7150."""
_LESION = Code("52988006", "SCT", "Lesion")
"""PS3.16 CID 7159."""
_FAMILY = Code("123109", "DCM", "Artificial Intelligence")
"""PS3.16 CID 7162."""
_SERIES_NUMBER = 9000


def algorithm(model: ReleasedModel) -> highdicom.AlgorithmIdentificationSequence:
    """Say which model and tool it was, so that the result can be made again."""
    return highdicom.AlgorithmIdentificationSequence(
        name=model.tool_name,
        family=_FAMILY,
        version=model.tool_version,
        source=MAKER,
        parameters={"model": f"sha256:{model.sha256}", "tool": model.tool},
    )


def told(answer: CaseAnswer) -> str:
    """Return the numbers and the notice, for a person who reads the object in a viewer."""
    words = [f"probability {answer.probability:.4f}, as the tool defines it"]
    if answer.region_probability is not None:
        words.append(f"mean {answer.region_probability:.4f} in the marked region")
    if answer.volume_ml is not None:
        words.append(f"volume {answer.volume_ml:.3f} ml")
    return f"RESEARCH USE ONLY. {NOTICE} {answer.label}: {', '.join(words)}."


def segmentation(
    answer: CaseAnswer, mask: Mask, model: ReleasedModel, sources: list[DicomDataset]
) -> DicomDataset:
    """Return the SEG of an answer in which something is marked."""
    series_uid = made_uid("series", model.sha256, model.tool, answer.series[0].series_uid)
    uid = made_uid("instance", model.sha256, model.tool, answer.content_sha256)
    made: DicomDataset = Segmentation(
        source_images=sources,
        pixel_array=mask.astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[
            SegmentDescription(
                segment_number=1,
                segment_label=f"{answer.label} (research)"[:64],
                segmented_property_category=_CATEGORY,
                segmented_property_type=_LESION,
                algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
                algorithm_identification=algorithm(model),
                tracking_uid=made_uid("lesion", uid),
                tracking_id="Research 1",
            )
        ],
        series_instance_uid=series_uid,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER_MODEL,
        software_versions=model.tool_version,
        device_serial_number=model.sha256[:16],
        series_description=f"{model.tool_name} RESEARCH USE ONLY"[:64],
        content_label="RESEARCH_ONLY",
        content_description=NOTICE,
    )
    made.ImageComments = told(answer)
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = made_uid("dimensions", uid)
    for index in made.DimensionIndexSequence:
        if "DimensionOrganizationUID" in index:
            index.DimensionOrganizationUID = made_uid("dimensions", uid)
    return made
