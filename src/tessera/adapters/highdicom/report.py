"""An SR with the probability, where a model marks nothing. Source: PS3.16 TID 1500, TID 1501."""

from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from tessera.adapters.highdicom.segmentation import told
from tessera.domain.case.made import MAKER, MAKER_MODEL
from tessera.domain.case.model import ReleasedModel
from tessera.domain.case.result import CaseAnswer, made_uid

_CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
_COMMENT = Code("121106", "DCM", "Comment")
_PERCENT = Code("%", "UCUM", "Percent")
_LESION = Code("52988006", "SCT", "Lesion")
_IMAGING = Code("363679005", "SCT", "Imaging")
_SERIES_NUMBER = 9001


def report(answer: CaseAnswer, model: ReleasedModel, sources: list[DicomDataset]) -> DicomDataset:
    """Return the SR of an answer in which nothing is marked."""
    uid = made_uid("report", model.sha256, model.tool, answer.content_sha256)
    observer = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=made_uid("observer", model.sha256, model.tool),
            name=model.tool_name,
            manufacturer_name=MAKER,
            model_name=MAKER_MODEL,
            serial_number=model.sha256[:16],
        ),
    )
    by = AlgorithmIdentification(
        name=model.tool_name,
        version=model.tool_version,
        parameters=[f"model sha256:{model.sha256}", f"tool {model.tool}"],
    )
    tracking = TrackingIdentifier(uid=made_uid("lesion", uid), identifier="Research 1")
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        finding_type=_LESION,
        algorithm_id=by,
        source_images=[SourceImageForMeasurementGroup.from_source_image(one) for one in sources],
        measurements=[
            Measurement(name=_CERTAINTY, value=round(answer.probability * 100, 2), unit=_PERCENT)
        ],
    )
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_IMAGING,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    content[0].ContentSequence.append(
        TextContentItem(
            name=_COMMENT, value=told(answer), relationship_type=RelationshipTypeValues.CONTAINS
        )
    )
    made: DicomDataset = ComprehensiveSR(
        evidence=sources,
        content=content,
        series_instance_uid=made_uid("report series", uid),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER_MODEL,
        software_versions=model.tool_version,
        device_serial_number=model.sha256[:16],
        series_description=f"{model.tool_name} RESEARCH USE ONLY"[:64],
        is_complete=False,
        is_final=False,
        is_verified=False,
    )
    return made
