"""SEG of the lesion and SR with its measurements, made with highdicom from the series drawn.

Sources: PS3.3 A.51 (segmentation), PS3.16 TID 1500 (measurement report).
"""

import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from highdicom.sr import (
    ComprehensiveSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from tessera.phantom.encode import EXPLICIT
from tessera.phantom.images import Bench, Instance, SeriesImages
from tessera.phantom.plan import SeriesPlan
from tessera.phantom.streams import uid

SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
_MORPHOLOGY = Code("86049000", "SCT", "Malignant neoplasm, primary")
_CATEGORY = Code("49755003", "SCT", "Morphologically abnormal structure")
_SITES = {
    "prostate": Code("41216001", "SCT", "Prostate"),
    "breast": Code("76752008", "SCT", "Breast"),
    "lung": Code("39607008", "SCT", "Lung"),
    "colon": Code("71854001", "SCT", "Colon"),
    "rectum": Code("34402009", "SCT", "Rectum"),
    "liver": Code("10200004", "SCT", "Liver"),
    "brain": Code("12738006", "SCT", "Brain"),
    "pancreas": Code("15776009", "SCT", "Pancreas"),
    "kidney": Code("64033007", "SCT", "Kidney"),
    "bladder": Code("89837001", "SCT", "Urinary bladder"),
    "stomach": Code("69695003", "SCT", "Stomach"),
}
_SHARED = (
    "InstitutionName",
    "InstitutionAddress",
    "IssuerOfPatientID",
    "OtherPatientIDsSequence",
    "PatientAddress",
    "PatientComments",
    "PatientTelephoneNumbers",
    "OperatorsName",
    "PerformingPhysicianName",
    "RequestAttributesSequence",
    "ProcedureCodeSequence",
    "AdmissionID",
    "StationName",
)
"""What a workstation copies from the study into what it makes."""
_SOURCE_ELEMENTS = (
    "PatientName PatientID PatientBirthDate PatientSex PatientAge PatientSize PatientWeight "
    "StudyInstanceUID StudyDate StudyTime StudyID AccessionNumber StudyDescription "
    "ReferringPhysicianName Modality SeriesInstanceUID FrameOfReferenceUID "
    "PositionReferenceIndicator Rows Columns PixelSpacing SliceThickness "
    "ImageOrientationPatient BitsAllocated BitsStored HighBit PixelRepresentation "
    "SamplesPerPixel PhotometricInterpretation ImageType SpecificCharacterSet"
).split()


def source_images(images: SeriesImages) -> list[DicomDataset]:
    """The drawn series as small pydicom data sets, as highdicom wants its sources."""
    sources = []
    for instance in images.instances:
        ds = DicomDataset()
        for keyword in _SOURCE_ELEMENTS:
            if keyword in images.header:
                ds[keyword] = images.header[keyword]
        ds.SOPClassUID = images.sop_class
        ds.SOPInstanceUID = instance.uid
        ds.InstanceNumber = instance.number
        values = {e.tag: e.value for e in instance.varying}
        ds.ImagePositionPatient = values[0x00200032].decode("ascii").strip().split("\\")
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = UID(EXPLICIT)
        sources.append(ds)
    return sources


def draw_seg(bench: Bench, series: SeriesPlan, of: SeriesImages) -> SeriesImages:
    """The lesion of `of` as a BINARY segmentation. `of` has a mask."""
    if of.mask is None:
        raise ValueError("a series without a lesion has nothing to segment")
    # Instances run head first, the mask foot first.
    mask = np.ascontiguousarray(of.mask[::-1])[: len(of.instances)].astype(np.uint8)
    site = _SITES[bench.patient.concept]
    description = SegmentDescription(
        segment_number=1,
        segment_label=f"Lesion {bench.patient.concept}",
        segmented_property_category=_CATEGORY,
        segmented_property_type=_MORPHOLOGY,
        algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=uid(bench.patient.person.patient_id, "lesion"),
        tracking_id="Lesion 1",
        anatomic_regions=[site],
    )
    sources = source_images(of)
    made = Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type="BINARY",
        segment_descriptions=[description],
        series_instance_uid=series.series_uid,
        series_number=series.number,
        sop_instance_uid=uid(series.series_uid, "instance", 1),
        instance_number=1,
        manufacturer="QIICR",
        manufacturer_model_name="3D Slicer",
        software_versions="5.2.2",
        device_serial_number="0",
        content_creator_name=bench.patient.person.physician,
        content_label="LESION",
        content_description="Lesion drawn by hand",
    )
    organisation = uid(series.series_uid, "dimensions")
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for item in made.DimensionIndexSequence:
        item.DimensionOrganizationUID = organisation
    made["PixelData"].VR = "OB"
    _finish(made, bench, of, series)
    made.SeriesDescription = "Segmentation"
    volume_ml = _volume_ml(of)
    return _images(series, SEG_CLASS, made, {"volume_ml": volume_ml, "source": of.plan.series_uid})


def draw_sr(bench: Bench, series: SeriesPlan, of: SeriesImages, seg: SeriesImages) -> SeriesImages:
    """A TID 1500 report with diameter and volume of the lesion, pointing at the segmentation."""
    lesion = bench.study.lesion
    if lesion is None:
        raise ValueError("a study without a lesion has nothing to measure")
    concept = bench.patient.concept
    observer = ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(
            name=bench.patient.person.physician,
            login_name=bench.patient.person.physician.split("^")[0][:16],
        ),
    )
    volume_ml = _volume_ml(of)
    measured = [
        Measurement(name=codes.SCT.Diameter, value=lesion.diameter_mm, unit=codes.UCUM.Millimeter),
        Measurement(name=codes.SCT.Volume, value=volume_ml * 1000, unit=codes.UCUM.CubicMillimeter),
    ]
    segment = ReferencedSegment(
        sop_class_uid=SEG_CLASS,
        sop_instance_uid=seg.instances[0].uid,
        segment_number=1,
        source_series=SourceSeriesForSegmentation(of.plan.series_uid),
    )
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=uid(bench.patient.person.patient_id, "lesion"), identifier="Lesion 1"
        ),
        referenced_segment=segment,
        finding_type=_MORPHOLOGY,
        finding_sites=[FindingSite(anatomic_location=_SITES[concept])],
        measurements=measured,
    )
    report = MeasurementReport(
        observation_context=ObservationContext(observer_person_context=observer),
        procedure_reported=Code("44491008", "SCT", "Imaging procedure"),
        imaging_measurements=[group],
    )
    evidence = source_images(of)[:1]
    evidence.append(_evidence(seg, evidence[0]))
    made = ComprehensiveSR(
        evidence=evidence,
        content=report[0],
        series_instance_uid=series.series_uid,
        series_number=series.number,
        sop_instance_uid=uid(series.series_uid, "instance", 1),
        instance_number=1,
        manufacturer="QIICR",
        is_complete=True,
        is_verified=True,
        institution_name=str(of.header.InstitutionName),
        verifying_observer_name=bench.patient.person.physician,
        verifying_organization=str(of.header.InstitutionName),
        record_evidence=False,
    )
    when = f"{of.header.StudyDate}{of.header.SeriesTime}"
    made.VerifyingObserverSequence[0].VerificationDateTime = when
    _finish(made, bench, of, series)
    made.ManufacturerModelName = "Reporting"
    made.SeriesDescription = f"Measurements {bench.patient.person.patient_id}"
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence_item(of, seg)]
    facts: dict[str, object] = {"diameter_mm": lesion.diameter_mm, "volume_ml": volume_ml}
    return _images(series, SR_CLASS, made, facts)


def _finish(made: DicomDataset, bench: Bench, of: SeriesImages, series: SeriesPlan) -> None:
    """Take the clock out, and add what a workstation copies from the study."""
    header = of.header
    for equipment in made.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = f"{header.StudyDate}{header.SeriesTime}"
    made.InstanceCreationDate = header.StudyDate
    made.InstanceCreationTime = header.SeriesTime
    made.ContentDate, made.ContentTime = header.StudyDate, header.SeriesTime
    made.SeriesDate, made.SeriesTime = header.StudyDate, header.SeriesTime
    if bench.charset:
        made.SpecificCharacterSet = bench.charset
    elif "SpecificCharacterSet" in made:
        del made.SpecificCharacterSet
    for keyword in _SHARED:
        if keyword in header:
            made[keyword] = header[keyword]
    made.PerformedProcedureStepStartDate = header.StudyDate
    made.PerformedProcedureStepStartTime = header.SeriesTime
    bench.planted.add("uid", series.series_uid)


def _images(
    series: SeriesPlan, sop_class: str, made: DicomDataset, facts: dict[str, object]
) -> SeriesImages:
    instance = Instance(uid=uid(series.series_uid, "instance", 1), number=1, varying=(), frame=None)
    header = DicomDataset()
    for element in made:
        header[element.tag] = element
    return SeriesImages(
        plan=series, sop_class=sop_class, header=header, instances=[instance], facts=facts
    )


def _volume_ml(of: SeriesImages) -> float:
    if of.mask is None or of.grid is None:
        return 0.0
    voxel_mm3 = of.grid.pixel_mm**2 * of.grid.spacing_mm
    return round(float(of.mask.sum()) * voxel_mm3 / 1000, 3)


def _evidence(seg: SeriesImages, like: DicomDataset) -> DicomDataset:
    ds = DicomDataset()
    ds.update(seg.header)
    ds.SOPClassUID = SEG_CLASS
    ds.SOPInstanceUID = seg.instances[0].uid
    ds.file_meta = like.file_meta
    return ds


def _evidence_item(of: SeriesImages, seg: SeriesImages) -> DicomDataset:
    """One study with the two series that the report is about. Source: PS3.3 C.17.2.3."""
    study = DicomDataset()
    series = []
    for images in (of, seg):
        item = DicomDataset()
        item.SeriesInstanceUID = images.plan.series_uid
        item.ReferencedSOPSequence = []
        for instance in images.instances:
            one = DicomDataset()
            one.ReferencedSOPClassUID = images.sop_class
            one.ReferencedSOPInstanceUID = instance.uid
            item.ReferencedSOPSequence.append(one)
        series.append(item)
    study.StudyInstanceUID = of.header.StudyInstanceUID
    study.ReferencedSeriesSequence = series
    return study
