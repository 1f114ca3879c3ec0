"""What is no plain image: reports, notes, outlines, segmentations, documents, enhanced MR."""

import zlib

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.second_corpus.images import pixels
from tests.second_corpus.instance import Instance, item, path
from tests.second_corpus.places import code, gone


def _references(i: Instance, source: Instance, keyword: str) -> None:
    """Refer to an instance by study, series and instance."""
    study, series, one = Dataset(), Dataset(), Dataset()
    setattr(i.ds, keyword, Sequence([study]))
    a = item(path(keyword))
    i.set_uid(study, "StudyInstanceUID", source.study.uid, a, "nested-1", resolves=True)
    study.ReferencedSeriesSequence = Sequence([series])
    b = item(path("ReferencedSeriesSequence", a))
    i.set_uid(series, "SeriesInstanceUID", source.series_uid, b, "nested-2", resolves=True)
    series.ReferencedSOPSequence = Sequence([one])
    _to(i, one, source, item(path("ReferencedSOPSequence", b)), "nested-3")


def _to(i: Instance, ds: Dataset, source: Instance, above: str, place: str) -> None:
    i.kept_uid(ds, "ReferencedSOPClassUID", str(source.ds.SOPClassUID), above)
    i.set_uid(ds, "ReferencedSOPInstanceUID", source.uid, above, place, resolves=True)


def _node(kind: str, relation: str, concept: tuple[str, str, str]) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relation, kind
    ds.ConceptNameCodeSequence = Sequence([code(*concept)])
    return ds


def report(i: Instance, source: Instance) -> None:
    ds, who = i.ds, i.person.radiologist
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("126000", "DCM", "Imaging Measurement Report")])
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
    ds.PerformedProcedureCodeSequence = Sequence()
    ds.ReferencedPerformedProcedureStepSequence = Sequence()
    observer = Dataset()
    ds.VerifyingObserverSequence = Sequence([observer])
    above = item(path("VerifyingObserverSequence"))
    i.identity(observer, "VerifyingObserverName", i.person_name(who), gone(who, i.lang),
               "staff-name", above, "nested-1")  # fmt: skip
    i.identity(observer, "VerifyingOrganization", i.person.site.name, i.person.site.telling,
               "institution", above, "nested-1")  # fmt: skip
    i.date(observer, "VerificationDateTime", i.moment(5400), above, "nested-1")
    observer.VerifyingObserverIdentificationCodeSequence = Sequence()
    i.names("staff-name", who)
    _references(i, source, "CurrentRequestedProcedureEvidenceSequence")
    finding = ("121071", "DCM", "Finding")
    texts = [_node("TEXT", "CONTAINS", finding) for _ in range(3)]
    name = _node("PNAME", "HAS OBS CONTEXT", ("121008", "DCM", "Person Observer Name"))
    day = _node("DATE", "CONTAINS", ("121119", "DCM", "Comparison date"))
    image = _node("IMAGE", "CONTAINS", ("121112", "DCM", "Source of Measurement"))
    group = _node("CONTAINER", "CONTAINS", ("125007", "DCM", "Measurement Group"))
    group.ContinuityOfContent = "SEPARATE"
    number = _node("NUM", "CONTAINS", ("103339001", "SCT", "Long axis"))
    inner = _node("TEXT", "CONTAINS", ("121106", "DCM", "Comment"))
    group.ContentSequence = Sequence([number, inner])
    ds.ContentSequence = Sequence([name, *texts, day, image, group])
    at = [item(path("ContentSequence"), n) for n in range(7)]
    i.identity(name, "PersonName", i.person_name(who), gone(who, i.lang), "staff-name", at[0], "sr")
    for n, text in enumerate(texts, start=1):
        i.text(text, "TextValue", at[n], "sr", n=2)
    i.date(day, "Date", i.days(0, i.study.prior), at[4], "sr")
    one, value = Dataset(), Dataset()
    image.ReferencedSOPSequence = Sequence([one])
    _to(i, one, source, item(path("ReferencedSOPSequence", at[5])), "sr")
    number.MeasuredValueSequence = Sequence([value])
    where = item(path("ContentSequence", at[6]))
    measured = item(path("MeasuredValueSequence", where))
    i.keep(value, "NumericValue", "14.5", measured, words="14.5")
    value.MeasurementUnitsCodeSequence = Sequence([code("mm", "UCUM", "mm")])
    i.text(inner, "TextValue", item(path("ContentSequence", at[6]), 1), "sr")


def key_objects(i: Instance, source: Instance) -> None:
    ds = i.ds
    ds.ReferencedPerformedProcedureStepSequence = Sequence()
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("113000", "DCM", "Of Interest")])
    _references(i, source, "CurrentRequestedProcedureEvidenceSequence")
    text = _node("TEXT", "CONTAINS", ("113012", "DCM", "Key Object Description"))
    image, one = Dataset(), Dataset()
    image.RelationshipType, image.ValueType = "CONTAINS", "IMAGE"
    image.ReferencedSOPSequence = Sequence([one])
    ds.ContentSequence = Sequence([text, image])
    i.text(text, "TextValue", item(path("ContentSequence")), "sr")
    above = item(path("ReferencedSOPSequence", item(path("ContentSequence"), 1)))
    _to(i, one, source, above, "sr")


def presentation(i: Instance, source: Instance) -> None:
    ds, series, one, area, note, text = i.ds, Dataset(), Dataset(), Dataset(), Dataset(), Dataset()
    i.identity(ds, "ContentCreatorName", i.person_name(i.person.radiologist),
               gone(i.person.radiologist, i.lang), "staff-name")  # fmt: skip
    i.names("staff-name", i.person.radiologist)
    ds.ContentLabel = "MARKED"
    i.descriptor(ds, "ContentDescription")
    i.date(ds, "PresentationCreationDate", i.days(1))
    ds.PresentationCreationTime = i.study.time
    ds.ReferencedSeriesSequence = Sequence([series])
    above = item(path("ReferencedSeriesSequence"))
    i.set_uid(series, "SeriesInstanceUID", source.series_uid, above, "nested-1", resolves=True)
    series.ReferencedImageSequence = Sequence([one])
    _to(i, one, source, item(path("ReferencedImageSequence", above)), "nested-2")
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [128, 128]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    ds.DisplayedAreaSelectionSequence = Sequence([area])
    note.GraphicLayer = "LAYER1"
    note.TextObjectSequence = Sequence([text])
    ds.GraphicAnnotationSequence = Sequence([note])
    above = item(path("TextObjectSequence", item(path("GraphicAnnotationSequence"))))
    i.text(text, "UnformattedTextValue", above, "graphics")
    text.AnchorPoint, text.AnchorPointVisibility = [20, 20], "N"
    text.AnchorPointAnnotationUnits = "PIXEL"
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = "LAYER1", 1
    ds.GraphicLayerSequence = Sequence([layer])
    ds.PresentationLUTShape = "IDENTITY"


def document(i: Instance, source: Instance) -> None:
    del source
    p, ds = i.person, i.ds
    said = f"{p.name.latin or p.name.natural(i.lang)} {p.mrn} {p.mail}"
    body = f"BT /F1 12 Tf 50 700 Td ({said}) Tj ET".encode("latin-1", "replace")
    packed = zlib.compress(body)
    pdf = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n"
        + f"4 0 obj<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode()
        + packed + f"\nendstream endobj\n5 0 obj<</Title(Letter {p.mrn})>>endobj\n".encode()
        + b"trailer<</Root 1 0 R/Info 5 0 R>>\n%%EOF\n"
    )  # fmt: skip
    ds.ConversionType, ds.BurnedInAnnotation = "WSD", "YES"
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    i.identity(ds, "DocumentTitle", f"Letter {p.phone}", p.phone, "phone")
    i.knows("phone", p.phone)
    i.knows("mail", p.mail)
    ds.ConceptNameCodeSequence = Sequence()
    i.date(ds, "AcquisitionDateTime", i.moment(0))
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    i.check("text_removed", path("EncapsulatedDocument"), p.mrn, "mrn", "pdf")


def outlines(i: Instance, source: Instance) -> None:
    ds, frame, roi, contour, one, seen = (i.ds, *(Dataset() for _ in range(5)))
    i.set_uid(ds, "FrameOfReferenceUID", i.study.frame_uid)
    ds.PositionReferenceIndicator = ""
    ds.StructureSetLabel = "PELVIS"
    ds.StructureSetName = f"plan {i.person.mrn}"
    i.check("text_removed", path("StructureSetName"), i.person.mrn, "mrn", "rt")
    i.text(ds, "StructureSetDescription", place="rt")
    i.date(ds, "StructureSetDate", i.days(1))
    ds.StructureSetTime = i.study.time
    ds.ReferencedFrameOfReferenceSequence = Sequence([frame])
    above = item(path("ReferencedFrameOfReferenceSequence"))
    i.set_uid(frame, "FrameOfReferenceUID", i.study.frame_uid, above, "nested-1")
    roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm = 1, "PTV 60", "MANUAL"
    ds.StructureSetROISequence = Sequence([roi])
    above = item(path("StructureSetROISequence"))
    i.check("text_retained", path("ROIName", above), "PTV 60", "clinical", "rt")
    i.set_uid(roi, "ReferencedFrameOfReferenceUID", i.study.frame_uid, above, "rt")
    i.text(roi, "ROIDescription", above, "rt")
    contour.ReferencedROINumber = 1
    lines = Dataset()
    lines.ContourImageSequence = Sequence([one])
    lines.ContourGeometricType, lines.NumberOfContourPoints = "CLOSED_PLANAR", 3
    lines.ContourData = [0, 0, 0, 10, 0, 0, 10, 10, 0]
    contour.ContourSequence = Sequence([lines])
    ds.ROIContourSequence = Sequence([contour])
    above = item(path("ContourSequence", item(path("ROIContourSequence"))))
    i.keep(lines, "ContourData", lines.ContourData, above)
    _to(i, one, source, item(path("ContourImageSequence", above)), "nested-3")
    seen.ObservationNumber, seen.ReferencedROINumber = 1, 1
    seen.RTROIInterpretedType = "PTV"
    who = i.person.radiologist
    ds.RTROIObservationsSequence = Sequence([seen])
    i.identity(seen, "ROIInterpreter", i.person_name(who), gone(who, i.lang), "staff-name",
               item(path("RTROIObservationsSequence")), "rt")  # fmt: skip
    i.names("staff-name", who)


def segmentation(i: Instance, source: Instance) -> None:
    ds, who, segment, series, one = i.ds, i.person.radiologist, Dataset(), Dataset(), Dataset()
    ds.ImageType, ds.ContentLabel = ["DERIVED", "PRIMARY"], "SEGMENTATION"
    i.descriptor(ds, "ContentDescription")
    i.identity(ds, "ContentCreatorName", i.person_name(who), gone(who, i.lang), "staff-name")
    i.names("staff-name", who)
    i.set_uid(ds, "FrameOfReferenceUID", i.study.frame_uid)
    ds.PositionReferenceIndicator = ""
    ds.SegmentationType, ds.LossyImageCompression = "BINARY", "00"
    segment.SegmentNumber, segment.SegmentLabel = 1, f"Tumour {i.person.mrn}"
    segment.SegmentAlgorithmType = "MANUAL"
    segment.SegmentedPropertyCategoryCodeSequence = Sequence(
        [code("49755003", "SCT", "Morphology")]
    )
    segment.SegmentedPropertyTypeCodeSequence = Sequence([code("108369006", "SCT", "Neoplasm")])
    ds.SegmentSequence = Sequence([segment])
    above = item(path("SegmentSequence"))
    i.check("text_removed", path("SegmentLabel", above), i.person.mrn, "mrn", "segment")
    i.check("text_retained", path("SegmentLabel", above), "Tumour", "clinical", "segment")
    ds.ReferencedSeriesSequence = Sequence([series])
    above = item(path("ReferencedSeriesSequence"))
    i.set_uid(series, "SeriesInstanceUID", source.series_uid, above, "nested-1", resolves=True)
    series.ReferencedInstanceSequence = Sequence([one])
    _to(i, one, source, item(path("ReferencedInstanceSequence", above)), "nested-2")
    _functional_groups(i, 1, segment=True)
    derived, seen = Dataset(), Dataset()
    frame = ds.PerFrameFunctionalGroupsSequence[0]
    above = item(path("DerivationImageSequence", item(path("PerFrameFunctionalGroupsSequence"))))
    derived.DerivationCodeSequence = Sequence([code("113076", "DCM", "Segmentation")])
    derived.SourceImageSequence = Sequence([seen])
    frame.DerivationImageSequence = Sequence([derived])
    _to(i, seen, source, item(path("SourceImageSequence", above)), "nested-3")
    seen.PurposeOfReferenceCodeSequence = Sequence([code("121322", "DCM", "Source image")])
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.NumberOfFrames = 1, "MONOCHROME2", 1
    ds.Rows = ds.Columns = 128
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit, ds.PixelRepresentation = 0, 0
    mask = np.zeros((128, 128), bool)
    mask[40:70, 50:80] = True
    ds.PixelData = np.packbits(mask, bitorder="little").tobytes()
    ds["PixelData"].VR = "OB"


def enhanced(i: Instance, source: Instance) -> None:
    del source
    ds = i.ds
    ds.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    i.kept_uid(ds, "FrameOfReferenceUID", "1.2.840.10008.1.4.1.1")
    ds.PositionReferenceIndicator = ""
    i.date(ds, "AcquisitionDateTime", i.moment(30))
    ds.AcquisitionDuration, ds.ResonantNucleus, ds.MagneticFieldStrength = 12.0, "1H", "3"
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique, ds.ComplexImageComponent = "NONE", "MAGNITUDE"
    ds.AcquisitionContrast, ds.ContentQualification = "T2", "RESEARCH"
    ds.ApplicableSafetyStandardAgency, ds.LossyImageCompression = "IEC", "00"
    ds.PresentationLUTShape, ds.AcquisitionContextSequence = "IDENTITY", Sequence()
    i.descriptor(ds, "ProtocolName")
    pixels(i, "EMR", 128, 128, frames=3)
    _functional_groups(i, 3, segment=False)


def _functional_groups(i: Instance, n: int, *, segment: bool) -> None:
    ds, shared, measures, plane = i.ds, Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [1.5, 1.5], "5"
    measures.SpacingBetweenSlices = "5"
    shared.PixelMeasuresSequence = Sequence([measures])
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PlaneOrientationSequence = Sequence([plane])
    if not segment:
        _macros(shared)
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    organised, dimension = Dataset(), Dataset()
    i.set_uid(organised, "DimensionOrganizationUID", f"{i.uid}.1",
              item(path("DimensionOrganizationSequence")), "nested-1")  # fmt: skip
    dimension.DimensionOrganizationUID = organised.DimensionOrganizationUID
    dimension.DimensionIndexPointer, dimension.FunctionalGroupPointer = 0x00209057, 0x00209111
    ds.DimensionOrganizationSequence = Sequence([organised])
    ds.DimensionIndexSequence = Sequence([dimension])
    frames = []
    for number in range(n):
        frame, content, position = Dataset(), Dataset(), Dataset()
        root = item(path("PerFrameFunctionalGroupsSequence"), number)
        above = item(path("FrameContentSequence", root))
        content.DimensionIndexValues = number + 1
        content.StackID, content.InStackPositionNumber = "1", number + 1
        if not segment:
            i.date(content, "FrameAcquisitionDateTime", i.moment(40 + number), above, "per-frame")
            i.text(content, "FrameComments", above, "per-frame")
            content.FrameReferenceDateTime = content.FrameAcquisitionDateTime
            content.FrameAcquisitionDuration = 1000.0
        else:
            which = Dataset()
            which.ReferencedSegmentNumber = 1
            frame.SegmentIdentificationSequence = Sequence([which])
        frame.FrameContentSequence = Sequence([content])
        position.ImagePositionPatient = [-60, -60, 5 * (number + 1)]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)


def _macros(shared: Dataset) -> None:
    """Fill what an enhanced MR image shares between its frames (PS3.3 C.8.13.5)."""
    rows: dict[str, dict[str, object]] = {
        "FrameAnatomySequence": {"FrameLaterality": "U"},
        "MRImageFrameTypeSequence": {
            "FrameType": ["ORIGINAL", "PRIMARY", "T2", "NONE"], "PixelPresentation": "MONOCHROME",
            "VolumetricProperties": "VOLUME", "VolumeBasedCalculationTechnique": "NONE",
            "ComplexImageComponent": "MAGNITUDE", "AcquisitionContrast": "T2",
        },
        "MRAveragesSequence": {"NumberOfAverages": 1.0},
        "MREchoSequence": {"EffectiveEchoTime": 88.0},
    }  # fmt: skip
    for keyword, values in rows.items():
        one = Dataset()
        for name, value in values.items():
            setattr(one, name, value)
        setattr(shared, keyword, Sequence([one]))
    head = Sequence([code("T-D1100", "SRT", "Head")])
    shared.FrameAnatomySequence[0].AnatomicRegionSequence = head
