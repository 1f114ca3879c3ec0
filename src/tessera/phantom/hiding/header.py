"""What every instance starts from: patient, study, series, equipment, order, people.

Sources: PS3.3 C.7.1 to C.7.5, C.12.1, C.3.4.
"""

from datetime import timedelta

from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.people import as_held
from tessera.phantom.hiding.spellings import (
    day_in_words,
    genitive,
    name_parts,
    name_spellings,
    spoken,
)
from tessera.phantom.hiding.texts import Text
from tessera.phantom.streams import uid

_MAKERS = {
    "CT": ("SIEMENS", "SOMATOM Force"),
    "MR": ("SIEMENS", "MAGNETOM Vida"),
    "PT": ("Philips Medical Systems", "Vereos PET/CT"),
    "US": ("GE Healthcare", "Vivid E95"),
    "CR": ("FUJIFILM Corporation", "FCR Profect"),
    "DX": ("Philips Medical Systems", "DigitalDiagnost C90"),
    "MG": ("HOLOGIC, Inc.", "Selenia Dimensions"),
    "ECG": ("GE Healthcare", "MAC 2000"),
}


def start(study: Study, name: str, series: str, modality: str, sop_class: str) -> Draft:
    """A draft with everything but its own content."""
    draft = Draft(study, name, series)
    patient, ds = study.patient, draft.ds
    _known(draft)
    charset = list(patient.charset)
    if charset != [""]:
        ds.SpecificCharacterSet = charset if len(charset) > 1 else charset[0]
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, draft.uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study.uid, draft.series_uid
    _patient(draft)
    _study(draft)
    day = f"{study.day:%Y%m%d}"
    ds.Modality = modality
    ds.SeriesNumber = 1 + sum(map(ord, series)) % 40
    ds.InstanceNumber = 1 + sum(map(ord, name)) % 90
    ds.SeriesDate = ds.ContentDate = ds.InstanceCreationDate = day
    ds.SeriesTime, ds.ContentTime, ds.InstanceCreationTime = "101530", "102211.250", "102212"
    maker, model = _MAKERS.get(modality, ("Sectra", "IDS7"))
    ds.Manufacturer, ds.ManufacturerModelName = maker, model
    ds.InstitutionName = _held(draft, patient.country.institution)
    ds.InstitutionAddress = _held(draft, patient.country.cities[0])
    ds.InstitutionalDepartmentName = _held(draft, patient.country.department)
    ds.StationName = patient.country.station
    ds.DeviceSerialNumber = draft.identity("device", f"SN{40718 + 37 * patient.number}")
    ds.OperatorsName = _pn(draft, patient.operator)
    ds.PerformingPhysicianName = _pn(draft, patient.reader)
    ds.SoftwareVersions = ["VB20A", "syngo 4.1"]
    ds.PerformedProcedureStepStartDate = day
    ds.PerformedProcedureStepStartTime = "100412"
    ds.PerformedProcedureStepID = f"PPS{study.accession}"[:16]
    _order(draft)
    draft.interval("<(0008,0020)>", "<(0008,0021)>", 0, "study-series")
    return draft


def _known(draft: Draft) -> None:
    """Every identity that may stand in the instance, so that it is found wherever it does."""
    patient = draft.patient

    def held(text: str) -> str:
        return as_held(text, patient.charset)

    for spelling in name_spellings(patient):
        draft.identity("name", held(spelling))
    for part in name_parts(patient.pn):
        draft.identity("name", held(part))
        draft.identity("name", held(part).upper())
    draft.identity("name", held(genitive(patient)))
    draft.identity("name", held(patient.pn))
    for staff in patient.country.staff:
        draft.identity("physician", held(staff))
        draft.identity("physician", held(spoken(staff, patient.language)))
        for part in name_parts(staff):
            draft.identity("physician", held(part))
    for number in (patient.patient_id, *patient.national):
        draft.identity("id", number)
    for value in (patient.street, patient.city, patient.address):
        draft.identity("address", held(value))
    draft.identity("phone", patient.phone)
    draft.identity("mail", patient.mail)
    country = patient.country
    for value in (country.institution, country.department, country.station, country.cities[0]):
        draft.identity("institution", held(value))
    for form in range(3):
        draft.identity("birth_date", held(day_in_words(patient.born, patient.language, form)))
    draft.identity("accession", draft.study.accession)


def _held(draft: Draft, text: str) -> str:
    return as_held(text, draft.patient.charset)


def _pn(draft: Draft, name: str) -> str:
    """A PN value as this instance's character set holds it."""
    return _held(draft, name)


def _patient(draft: Draft) -> None:
    patient, ds, write = draft.patient, draft.ds, draft.write
    turn = patient.number // 6
    family, *rest = _pn(draft, patient.pn).split("^", 1)
    ds.PatientName = "^".join(
        (family.upper() if turn % 3 == 2 and "=" not in patient.pn else family, *rest)
    )
    ds.PatientID, ds.IssuerOfPatientID = patient.patient_id, patient.issuer
    ds.PatientBirthDate = f"{patient.born:%Y%m%d}"
    draft.identity("birth_date", f"{patient.born:%Y%m%d}")
    ds.PatientBirthTime = "0415"
    ds.PatientSex = patient.sex
    years = (draft.study.day - patient.born).days // 365.25
    ds.PatientAge = f"{int(years):03d}Y"
    ds.PatientWeight, ds.PatientSize = patient.weight_kg, patient.height_m
    ds.OtherPatientNames = name_spelled(draft)
    other = DicomDataset()
    other.PatientID, other.TypeOfPatientID = patient.national[0], "TEXT"
    other.IssuerOfPatientID = "REGISTER"
    ds.OtherPatientIDsSequence = Sequence([other])
    ds.PatientAddress = _held(draft, patient.address)
    ds.PatientTelephoneNumbers = patient.phone
    draft.put(ds, "PatientComments", write.long(draft.earlier), "comment")
    draft.put(ds, "AdditionalPatientHistory", draft.write.long(draft.earlier), "comment")
    ds.MedicalRecordLocator = patient.national[-1]
    ds.ResponsiblePerson = _pn(
        draft, f"{patient.family}^{patient.country.female[-1].split('=')[0]}"
    )

    ds.ResponsiblePersonRole = "SPOUSE"


def name_spelled(draft: Draft) -> str:
    """The reversed name: given and family name changed places."""
    family, given, *_ = (*_pn(draft, draft.patient.pn).split("=")[0].split("^"), "")
    return draft.identity("name", f"{given}^{family}")


def _study(draft: Draft) -> None:
    study, ds = draft.study, draft.ds
    patient = study.patient
    ds.StudyDate, ds.StudyTime = f"{study.day:%Y%m%d}", "100000"
    ds.AccessionNumber = study.accession
    ds.StudyID = patient.patient_id[-16:]
    ds.ReferringPhysicianName = _pn(draft, patient.physician)
    ds.PhysiciansOfRecord = _pn(draft, patient.reader)
    draft.put(ds, "StudyDescription", draft.write.short(draft.earlier), "description")
    draft.put(ds, "SeriesDescription", _series_text(draft), "description")
    draft.put(ds, "ProtocolName", _mixed(draft), "protocol-name")
    draft.put(ds, "StudyComments", draft.write.long(draft.earlier), "comment")


def _series_text(draft: Draft) -> Text:
    chance = draft.rng.random()
    return draft.write.series() if chance < 0.6 else draft.write.short(draft.earlier)


def _mixed(draft: Draft) -> Text:
    """A protocol name with somebody behind it: `AX FLAIR FS Qvarnfeldt`."""
    head, tail = draft.write.series(), draft.write.name_only()
    if draft.study.number == 1:
        number = draft.patient.patient_id.replace("-", "")
        tail = Text(number, (), (("id", number),))
    text = f"{head.text} {tail.text}"
    if len(text.encode()) > 60:
        return head
    return Text(text, head.kept, tail.removed)


def _order(draft: Draft) -> None:
    """Request attributes, and the original attributes with the request once more inside."""
    study, patient, ds = draft.study, draft.patient, draft.ds
    request = _request(draft)
    ds.RequestAttributesSequence = Sequence([request])
    inner = DicomDataset()
    inner.PatientName = _pn(draft, patient.pn)
    inner.PatientID = patient.national[0]
    inner.OtherPatientIDsSequence = Sequence([_other_id(draft)])
    inner.StudyInstanceUID = uid(study.uid, "before coercion")
    inner.AccessionNumber = study.accession
    deep = _request(draft, stays=False)
    deep.ReferencedStudySequence = Sequence([_reference(uid(study.uid, "deep study"))])
    inner.RequestAttributesSequence = Sequence([deep])
    original = DicomDataset()
    original.SourceOfPreviousValues = _held(draft, patient.country.station)
    moment = study.day + timedelta(days=1)
    original.AttributeModificationDateTime = f"{moment:%Y%m%d}083015"
    original.ModifyingSystem = "PACS " + patient.country.station
    original.ReasonForTheAttributeModification = "COERCE"
    original.ModifiedAttributesSequence = Sequence([inner])
    ds.OriginalAttributesSequence = Sequence([original])


def _request(draft: Draft, *, stays: bool = True) -> DicomDataset:
    """One request. `stays` is False where the Basic profile removes all that is around it."""
    item = DicomDataset()
    item.AccessionNumber = draft.study.accession
    item.RequestedProcedureID = f"RP{draft.patient.patient_id}"[:16]
    item.StudyInstanceUID = draft.study.uid
    item.ScheduledProcedureStepID = f"SPS{draft.study.accession}"[:16]
    for keyword, text in (
        ("RequestedProcedureDescription", draft.write.short(draft.earlier)),
        ("ScheduledProcedureStepDescription", draft.write.hard()),
        ("ReasonForTheRequestedProcedure", draft.write.short(draft.earlier)),
    ):
        planted = text if stays else Text(text.text, (), text.removed, text.days)
        draft.put(item, keyword, planted, "request" if stays else "original-attributes")
    return item


def _other_id(draft: Draft) -> DicomDataset:
    item = DicomDataset()
    item.PatientID, item.TypeOfPatientID = draft.patient.national[-1], "TEXT"
    return item


def _reference(instance: str) -> DicomDataset:
    item = DicomDataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    item.ReferencedSOPInstanceUID = instance
    return item
