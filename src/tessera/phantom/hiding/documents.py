"""Reports, electrocardiograms and encapsulated documents, full of people.

Sources: PS3.3 A.34.3, A.35.3, A.45.1, C.17.3.
"""

from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.encoding import deflate
from tessera.phantom.hiding.header import start
from tessera.phantom.hiding.images import code
from tessera.phantom.hiding.objects import evidence, reference, resolves
from tessera.phantom.streams import uid

SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
ECG_CLASS = "1.2.840.10008.5.1.4.1.1.9.1.1"
PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
_ITEMS = "<(0040,A730)>"


def draw_sr(study: Study, images: list[Draft]) -> Draft:
    """A report whose tree holds every value type: people, texts, dates, numbers, references."""
    draft = start(study, "sr", "SR", "SR", SR_CLASS)
    ds = draft.ds
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
    observer = DicomDataset()
    observer.VerifyingObserverName = ds.PerformingPhysicianName
    observer.VerifyingOrganization = ds.InstitutionName
    observer.VerificationDateTime = f"{study.day:%Y%m%d}170000"
    observer.VerifyingObserverIdentificationCodeSequence = Sequence([])
    ds.VerifyingObserverSequence = Sequence([observer])
    ds.ReferencedPerformedProcedureStepSequence = Sequence([])
    ds.PerformedProcedureCodeSequence = Sequence([])
    ds.CurrentRequestedProcedureEvidenceSequence = evidence(draft, images)
    resolves(
        draft,
        "<(0040,A375)>[<0000>]<(0008,1115)>[<0000>]<(0008,1199)>[<0000>]<(0008,1155)>",
        images[0],
    )
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("126000", "DCM", "Imaging Measurement Report")])
    ds.ContentSequence = Sequence(_tree(draft, images))
    draft.interval(f"{_ITEMS}[<0001>]<(0040,A121)>", "<(0008,0020)>", 40 * 86400, "sr-date")
    return draft


def _tree(draft: Draft, images: list[Draft]) -> list[DicomDataset]:
    study, ds = draft.study, draft.ds
    person = _item("HAS OBS CONTEXT", "PNAME", "121008", "Person Observer Name")
    person.PersonName = ds.PerformingPhysicianName
    prior = _item("CONTAINS", "DATE", "121031", "Subject Birth Date")
    prior.ConceptNameCodeSequence[0].CodeValue = "111060"
    prior.ConceptNameCodeSequence[0].CodeMeaning = "Study Date"
    prior.Date = f"{study.day - timedelta(days=40):%Y%m%d}"
    moment = _item("CONTAINS", "DATETIME", "111526", "DateTime Started")
    moment.DateTime = f"{study.day:%Y%m%d}101500.25"
    tracking = _item("CONTAINS", "UIDREF", "112040", "Tracking Unique Identifier")
    tracking.UID = uid(study.uid, "tracking")
    measured = _item("CONTAINS", "NUM", "410668003", "Length", "SCT")
    value = DicomDataset()
    value.NumericValue = "14.2"
    value.MeasurementUnitsCodeSequence = Sequence([code("mm", "UCUM", "millimeter")])
    measured.MeasuredValueSequence = Sequence([value])
    draft.check(
        "tag_retained",
        f"{_ITEMS}[<0004>]<(0040,A300)>[<0000>]<(0040,A30A)>",
        "14.2",
        "technical",
        "sr-number",
    )
    finding = _item("CONTAINS", "CODE", "121071", "Finding")
    finding.ConceptCodeSequence = Sequence([code("4147007", "SCT", "Mass")])
    draft.check(
        "text_retained",
        f"{_ITEMS}[<0005>]<(0040,A168)>[<0000>]<(0008,0104)>",
        "Mass",
        "clinical-text",
        "public-code",
    )
    local = _item("CONTAINS", "CODE", "121071", "Finding")
    meaning = code("L77", "99HOSP", "")
    draft.put(meaning, "CodeMeaning", draft.write.short(draft.earlier), "local-code-meaning")
    local.ConceptCodeSequence = Sequence([meaning])
    image = _item("CONTAINS", "IMAGE", "121112", "Source of Measurement")
    image.ReferencedSOPSequence = Sequence([reference(images[0])])
    resolves(draft, f"{_ITEMS}[<0007>]<(0008,1199)>[<0000>]<(0008,1155)>", images[0])
    texts = []
    for number in range(4):
        text = _item("CONTAINS", "TEXT", "121071", "Finding")
        draft.put(
            text,
            "TextValue",
            draft.write.long(draft.earlier, template=number + study.patient.number),
            "sr-text",
        )
        texts.append(text)
    plain = _item("CONTAINS", "TEXT", "121073", "Impression")
    draft.put(plain, "TextValue", draft.write.clinical(), "sr-text")
    hard = _item("CONTAINS", "TEXT", "121073", "Impression")
    draft.put(hard, "TextValue", draft.write.hard(), "hard-negative")
    inner = _item("CONTAINS", "CONTAINER", "121070", "Findings")
    inner.ContinuityOfContent = "SEPARATE"
    deepest = _item("CONTAINS", "CONTAINER", "125007", "Measurement Group")
    deepest.ContinuityOfContent = "SEPARATE"
    patient = _item("HAS OBS CONTEXT", "PNAME", "121029", "Subject Name")
    patient.PersonName = ds.PatientName
    deepest.ContentSequence = Sequence([patient, *texts[2:]])
    inner.ContentSequence = Sequence([deepest, plain])
    return [
        person,
        prior,
        moment,
        tracking,
        measured,
        finding,
        local,
        image,
        *texts[:2],
        hard,
        inner,
    ]


def _item(
    relation: str, value_type: str, value: str, meaning: str, scheme: str = "DCM"
) -> DicomDataset:
    item = DicomDataset()
    item.RelationshipType, item.ValueType = relation, value_type
    item.ConceptNameCodeSequence = Sequence([code(value, scheme, meaning)])
    return item


def draw_ecg(study: Study) -> Draft:
    """A short ECG with annotations that name the patient, and a filter described by somebody."""
    draft = start(study, "ecg", "ECG", "ECG", ECG_CLASS)
    ds = draft.ds
    ds.AcquisitionDateTime = f"{study.day:%Y%m%d}095000"
    ds.AcquisitionContextSequence = Sequence([])
    wave = DicomDataset()
    wave.WaveformOriginality, wave.NumberOfWaveformChannels = "ORIGINAL", 1
    wave.NumberOfWaveformSamples, wave.SamplingFrequency = 64, "500"
    channel = DicomDataset()
    channel.ChannelSourceSequence = Sequence([code("2:1", "MDC", "Lead I (Einthoven)")])
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "1.25", "1"
    channel.ChannelSensitivityUnitsSequence = Sequence([code("uV", "UCUM", "microvolt")])
    channel.ChannelBaseline, channel.WaveformBitsStored, channel.ChannelTimeSkew = "0", 16, "0"
    draft.put(channel, "ChannelLabel", draft.write.short(draft.earlier, longest=16), "unlisted")
    wave.ChannelDefinitionSequence = Sequence([channel])
    wave.WaveformBitsAllocated, wave.WaveformSampleInterpretation = 16, "SS"
    wave.WaveformData = (400 * np.sin(np.arange(64) / 5)).astype("<i2").tobytes()
    wave["WaveformData"].VR = "OW"
    draft.put(wave, "MultiplexGroupLabel", draft.write.short(draft.earlier, longest=16), "unlisted")
    ds.WaveformSequence = Sequence([wave])
    notes = []
    for number in range(3):
        note = DicomDataset()
        draft.put(
            note,
            "UnformattedTextValue",
            draft.write.long(draft.earlier, template=2 * number),
            "waveform-annotation",
        )
        note.ReferencedWaveformChannels, note.AnnotationGroupNumber = [1, 1], number
        notes.append(note)
    ds.WaveformAnnotationSequence = Sequence(notes)
    draft.check("text_notnull", "<(5400,0100)>[<0000>]<(5400,1010)>", "", "technical", "waveform")
    return draft


def draw_pdf(study: Study) -> Draft:
    """A report as PDF: a deflated page and an Info dictionary, both with the patient's name."""
    draft = start(study, "pdf", "DOC", "DOC", PDF_CLASS)
    ds, patient = draft.ds, draft.patient
    ds.ConversionType, ds.BurnedInAnnotation = "WSD", "NO"
    ds.AcquisitionDateTime = f"{study.day:%Y%m%d}120000"
    draft.put(ds, "DocumentTitle", draft.write.short(draft.earlier), "document-title")
    ds.ConceptNameCodeSequence = Sequence([])
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    names = (
        f"{patient.romaji[1]} {patient.romaji[0]}",
        patient.patient_id,
        f"{patient.romaji[0].upper()} {patient.born:%Y-%m-%d}",
        patient.mail,
    )
    document = pdf(names, title=f"Report {names[0]}", author=names[2])
    ds.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
    ds.EncapsulatedDocumentLength = len(document)
    for kind, name in zip(("name", "id", "name", "mail"), names, strict=True):
        draft.identity(kind, name)
        draft.check("text_removed", "<(0042,0011)>", name, kind, "pdf")
    return draft


def pdf(page: tuple[str, ...], *, title: str, author: str) -> bytes:
    """A PDF of one page with ASCII text, its content deflated. Source: ISO 32000-1."""
    shown = "".join(
        f"BT /F1 14 Tf 60 {760 - 24 * n} Td ({_escaped(t)}) Tj ET\n" for n, t in enumerate(page)
    )
    stream = deflate(shown.encode("latin-1", "replace"))
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({_escaped(title)}) /Author ({_escaped(author)}) >>".encode(
            "latin-1", "replace"
        ),
    )
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start_of_table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer << /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start_of_table,
    )
    return bytes(out)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
