"""What points at images: segmentation, structure set, presentation state, key objects.

Sources: PS3.3 A.19, A.33.1, A.35.4, A.51.
"""

import numpy as np
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.header import start
from tessera.phantom.hiding.images import SIZE, code, dimensions
from tessera.phantom.hiding.texts import Text
from tessera.phantom.streams import uid

SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
RT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
PR_CLASS = "1.2.840.10008.5.1.4.1.1.11.1"
KO_CLASS = "1.2.840.10008.5.1.4.1.1.88.59"


def reference(of: Draft) -> DicomDataset:
    """A reference to an instance of the same study."""
    item = DicomDataset()
    item.ReferencedSOPClassUID = of.ds.SOPClassUID
    item.ReferencedSOPInstanceUID = of.uid
    return item


def resolves(draft: Draft, path: str, of: Draft) -> None:
    """The reference at `path` must still lead to `of`."""
    draft.check("reference_resolves", path, of.uid, "reference", "reference")


def evidence(draft: Draft, images: list[Draft]) -> Sequence:
    """The images by study and series; every reference must still lead there."""
    study, series = DicomDataset(), DicomDataset()
    study.StudyInstanceUID = draft.study.uid
    series.SeriesInstanceUID = images[0].series_uid
    series.ReferencedSOPSequence = Sequence([reference(image) for image in images])
    study.ReferencedSeriesSequence = Sequence([series])
    return Sequence([study])


def titled(draft: Draft, words: Text) -> Text:
    """Clinical words with the patient's name behind: `GTV Qvarnfeldt Torvald`."""
    who = draft.write.name_only()
    text = f"{words.text} {who.text}"
    if len(text.encode()) > 62:
        return who
    return Text(text, words.kept, who.removed)


def draw_seg(study: Study, images: list[Draft]) -> Draft:
    """A binary segmentation of the images, with a name for a label and one in its comments."""
    draft = start(study, "seg", "SEG", "SEG", SEG_CLASS)
    ds = draft.ds
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.ContentLabel, ds.InstanceNumber = "SEGMENTATION", 1
    draft.put(ds, "ContentDescription", titled(draft, Text("Lesion", ("Lesion",))), "unlisted")
    ds.ContentCreatorName = ds.PerformingPhysicianName
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = study.frame_of_reference, ""
    ds.SegmentationType, ds.LossyImageCompression = "BINARY", "00"
    segment = DicomDataset()
    segment.SegmentNumber, segment.SegmentAlgorithmType = 1, "MANUAL"
    draft.put(
        segment,
        "SegmentLabel",
        titled(draft, Text("Liver tumour", ("Liver", "tumour"))),
        "segment-label",
    )
    draft.put(segment, "SegmentDescription", draft.write.short(draft.earlier), "unlisted")
    draft.put(segment, "TrackingID", draft.write.name_only(), "unlisted")
    segment.TrackingUID = uid(draft.uid, "tracking")
    segment.SegmentedPropertyCategoryCodeSequence = Sequence(
        [code("49755003", "SCT", "Morphologically abnormal structure")]
    )
    segment.SegmentedPropertyTypeCodeSequence = Sequence([code("4147007", "SCT", "Mass")])
    ds.SegmentSequence = Sequence([segment])
    referenced = DicomDataset()
    referenced.SeriesInstanceUID = images[0].series_uid
    referenced.ReferencedInstanceSequence = Sequence([reference(image) for image in images])
    ds.ReferencedSeriesSequence = Sequence([referenced])
    dimension = DicomDataset()
    dimension.DimensionOrganizationUID = uid(draft.uid, "dimension")
    ds.DimensionOrganizationSequence = Sequence([dimension])
    ds.DimensionIndexSequence = dimensions(
        dimension, (0x0062000B, 0x0062000A), (0x00200032, 0x00209113)
    )
    shared, measures, plane = DicomDataset(), DicomDataset(), DicomDataset()
    measures.PixelSpacing, measures.SliceThickness = ["3", "3"], "3"
    plane.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = (
        Sequence([measures]),
        Sequence([plane]),
    )
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for number, image in enumerate(images):
        groups.append(_seg_frame(number, image))
        resolves(draft, f"<(0008,1115)>[<0000>]<(0008,114A)>[<{number:04d}>]<(0008,1155)>", image)
        resolves(
            draft,
            f"<(5200,9230)>[<{number:04d}>]<(0008,9124)>[<0000>]<(0008,2112)>[<0000>]<(0008,1155)>",
            image,
        )
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    ds.NumberOfFrames = len(images)
    mask = np.zeros((len(images), SIZE, SIZE), np.uint8)
    mask[:, 20:40, 24:36] = 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = SIZE
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 1, 1, 0, 0
    ds.PixelData = np.packbits(mask.ravel(), bitorder="little").tobytes()
    ds["PixelData"].VR = "OB"
    return draft


def _seg_frame(number: int, image: Draft) -> DicomDataset:
    group, content, identification, position, derived = (DicomDataset() for _ in range(5))
    content.DimensionIndexValues = [1, number + 1]
    group.FrameContentSequence = Sequence([content])
    identification.ReferencedSegmentNumber = 1
    group.SegmentIdentificationSequence = Sequence([identification])
    position.ImagePositionPatient = ["-96", "-96", f"{3 * number}"]
    group.PlanePositionSequence = Sequence([position])
    source = reference(image)
    source.PurposeOfReferenceCodeSequence = Sequence(
        [code("121322", "DCM", "Source image for image processing operation")]
    )
    derived.SourceImageSequence = Sequence([source])
    derived.DerivationCodeSequence = Sequence([code("113076", "DCM", "Segmentation")])
    group.DerivationImageSequence = Sequence([derived])
    return group


def draw_rtstruct(study: Study, images: list[Draft]) -> Draft:
    """Contours of two structures whose names hold a patient; references at depth 4."""
    draft = start(study, "rtstruct", "RT", "RTSTRUCT", RT_CLASS)
    ds = draft.ds
    for keyword in ("ContentDate", "ContentTime"):
        del ds[keyword]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = study.frame_of_reference, ""
    ds.StructureSetLabel = draft.identity(
        "name", f"{draft.patient.romaji[0].upper().split()[0][:14]}_1"
    )
    draft.put(ds, "StructureSetName", draft.write.name_only(), "roi-name")
    draft.put(ds, "StructureSetDescription", draft.write.long(draft.earlier), "rt-text")
    ds.StructureSetDate, ds.StructureSetTime = f"{study.day:%Y%m%d}", "141500"
    frame, rt_study, rt_series = DicomDataset(), DicomDataset(), DicomDataset()
    frame.FrameOfReferenceUID = study.frame_of_reference
    rt_study.ReferencedSOPClassUID, rt_study.ReferencedSOPInstanceUID = (
        "1.2.840.10008.3.1.2.3.1",
        study.uid,
    )
    rt_series.SeriesInstanceUID = images[0].series_uid
    rt_series.ContourImageSequence = Sequence([reference(image) for image in images])
    rt_study.RTReferencedSeriesSequence = Sequence([rt_series])
    frame.RTReferencedStudySequence = Sequence([rt_study])
    ds.ReferencedFrameOfReferenceSequence = Sequence([frame])
    deep = "<(3006,0010)>[<0000>]<(3006,0012)>[<0000>]<(3006,0014)>[<0000>]"
    for number, image in enumerate(images):
        resolves(draft, f"{deep}<(3006,0016)>[<{number:04d}>]<(0008,1155)>", image)
    ds.StructureSetROISequence, ds.ROIContourSequence, ds.RTROIObservationsSequence = (
        Sequence() for _ in range(3)
    )
    words = (Text("GTV", ("GTV",)), Text("Spinal cord", ("Spinal", "cord")))
    for number, word in enumerate(words, start=1):
        roi, contour, seen = DicomDataset(), DicomDataset(), DicomDataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID = number, study.frame_of_reference
        draft.put(roi, "ROIName", titled(draft, word), "roi-name")
        draft.put(roi, "ROIDescription", draft.write.long(draft.earlier), "rt-text")
        roi.ROIGenerationAlgorithm = "MANUAL"
        ds.StructureSetROISequence.append(roi)
        line = DicomDataset()
        line.ContourImageSequence = Sequence([reference(images[0])])
        line.ContourGeometricType, line.NumberOfContourPoints = "CLOSED_PLANAR", 3
        line.ContourData = ["0", "0", "0", "12", "0", "0", "0", "12", "0"]
        contour.ContourSequence, contour.ReferencedROINumber = Sequence([line]), number
        ds.ROIContourSequence.append(contour)
        above = f"<(3006,0039)>[<{number - 1:04d}>]<(3006,0040)>[<0000>]"
        resolves(draft, f"{above}<(3006,0016)>[<0000>]<(0008,1155)>", images[0])
        draft.check(
            "tag_retained",
            f"{above}<(3006,0050)>",
            "0\\0\\0\\12\\0\\0\\0\\12\\0",
            "technical",
            "contour",
        )
        seen.ObservationNumber = seen.ReferencedROINumber = number
        draft.put(
            seen, "ROIObservationLabel", draft.write.short(draft.earlier, longest=16), "rt-text"
        )
        seen.RTROIInterpretedType = "GTV" if number == 1 else "ORGAN"
        seen.ROIInterpreter = ds.PerformingPhysicianName
        ds.RTROIObservationsSequence.append(seen)
    ds.ApprovalStatus, ds.ReviewDate = "APPROVED", f"{study.day:%Y%m%d}"
    ds.ReviewTime, ds.ReviewerName = "150000", ds.PerformingPhysicianName
    draft.interval("<(300E,0004)>", "<(0008,0020)>", 0, "rt-review")
    return draft


def draw_presentation(study: Study, image: Draft) -> Draft:
    """A greyscale presentation state whose annotations name the patient."""
    draft = start(study, "pr", "PR", "PR", PR_CLASS)
    ds = draft.ds
    for keyword in ("ContentDate", "ContentTime"):
        del ds[keyword]
    ds.ContentLabel = "ANNOTATED"
    draft.put(ds, "ContentDescription", draft.write.short(draft.earlier), "unlisted")
    ds.ContentCreatorName = ds.PerformingPhysicianName
    ds.PresentationCreationDate, ds.PresentationCreationTime = f"{study.day:%Y%m%d}", "160000"
    series = DicomDataset()
    series.SeriesInstanceUID = image.series_uid
    series.ReferencedImageSequence = Sequence([reference(image)])
    ds.ReferencedSeriesSequence = Sequence([series])
    resolves(draft, "<(0008,1115)>[<0000>]<(0008,1140)>[<0000>]<(0008,1155)>", image)
    area = DicomDataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = (
        [1, 1],
        [SIZE, SIZE],
    )
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    area.ReferencedImageSequence = Sequence([reference(image)])
    ds.DisplayedAreaSelectionSequence = Sequence([area])
    layer = DicomDataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = "LAYER1", 1
    draft.put(layer, "GraphicLayerDescription", draft.write.name_only(), "unlisted")
    ds.GraphicLayerSequence = Sequence([layer])
    annotation, first, second = DicomDataset(), DicomDataset(), DicomDataset()
    annotation.GraphicLayer = "LAYER1"
    for item, text in ((first, draft.write.long(draft.earlier)), (second, draft.write.clinical())):
        item.AnchorPointAnnotationUnits, item.AnchorPoint, item.AnchorPointVisibility = (
            "PIXEL",
            [10.0, 10.0],
            "N",
        )
        # Without the words that must stay: a de-identifier may drop graphics as a whole.
        draft.put(item, "UnformattedTextValue", Text(text.text, (), text.removed), "annotation")
    annotation.TextObjectSequence = Sequence([first, second])
    ds.GraphicAnnotationSequence = Sequence([annotation])
    ds.PresentationLUTShape = "IDENTITY"
    return draft


def draw_key_objects(study: Study, images: list[Draft]) -> Draft:
    """A key object selection: its title is coded, its description is not."""
    draft = start(study, "ko", "KO", "KO", KO_CLASS)
    ds = draft.ds
    ds.ReferencedPerformedProcedureStepSequence = Sequence([])
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(draft, images)
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("113000", "DCM", "Of Interest")])
    template = DicomDataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    ds.ContentTemplateSequence = Sequence([template])
    note = DicomDataset()
    note.RelationshipType, note.ValueType = "CONTAINS", "TEXT"
    note.ConceptNameCodeSequence = Sequence([code("113012", "DCM", "Key Object Description")])
    draft.put(note, "TextValue", draft.write.long(draft.earlier), "sr-text")
    items = [note]
    for number, image in enumerate(images):
        item = DicomDataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
        item.ReferencedSOPSequence = Sequence([reference(image)])
        items.append(item)
        resolves(
            draft, f"<(0040,A730)>[<{number + 1:04d}>]<(0008,1199)>[<0000>]<(0008,1155)>", image
        )
    ds.ContentSequence = Sequence(items)
    return draft
