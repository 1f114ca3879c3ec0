"""The part of a header that all series of a study share: patient, visit, order, people, text.

Rich on purpose, with the identity in every place where real archives have it:
free text, other ids, nested request and study sequences, accession and study id.
"""

from datetime import timedelta

from pydicom.dataset import Dataset as DicomDataset
from pydicom.sequence import Sequence

from tessera.phantom.equipment import Machine
from tessera.phantom.locale import Locale
from tessera.phantom.patients import Patient
from tessera.phantom.plan import SeriesPlan, StudyPlan
from tessera.phantom.planted import Planted, romanised
from tessera.phantom.streams import digest, uid

_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
_STEP_CLASS = "1.2.840.10008.3.1.2.3.3"
_PROCEDURES = {
    "chest": ("399208008", "Plain chest X-ray", "CT Thorax"),
    "abdomen": ("169070004", "CT of abdomen", "CT Abdomen"),
    "pelvis": ("9241000087103", "MRI of prostate", "MR Pelvis"),
    "brain": ("816077007", "MRI of brain", "MR Brain"),
    "breast": ("71651007", "Mammography", "Breast"),
}
BODY_PARTS = {
    "chest": "CHEST",
    "abdomen": "ABDOMEN",
    "pelvis": "PELVIS",
    "brain": "BRAIN",
    "breast": "BREAST",
}


def person_name(patient: Patient, locale: Locale, style: int, charset: str) -> str:
    """The patient's name as this study writes it: local script, romanised, or both groups."""
    person = patient.person
    local = f"{person.family}^{person.given}"
    latin = f"{romanised(person.family)}^{romanised(person.given)}"
    if not charset:
        return latin
    if locale.language == "el":
        return local if style % 2 else f"{latin}={local}"
    return f"{local}^^" if style == 3 else (latin if style == 4 else local)


def study_charset(locale: Locale, study: StudyPlan) -> str:
    """SpecificCharacterSet of a study: one of the hospital's, by local habit."""
    return locale.charsets[study.style % len(locale.charsets)]


def study_header(
    patient: Patient, study: StudyPlan, locale: Locale, planted: Planted, charset: str
) -> DicomDataset:
    """Patient, study, visit and order elements. Source: PS3.3 C.7.1, C.7.2, C.3, C.4."""
    ds = DicomDataset()
    if charset:
        ds.SpecificCharacterSet = charset
    _people(ds, patient, study, locale, planted, charset)
    _identity(ds, patient, study, locale, planted)
    _order(ds, patient, study, locale, planted)
    _comments(ds, patient, study, locale, planted)
    return ds


def fits(text: str, charset: str) -> bool:
    """True when `text` can be written in this character set."""
    codec = {"": "ascii", "ISO_IR 100": "latin-1", "ISO_IR 126": "iso-8859-7"}.get(charset, "utf-8")
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _people(
    ds: DicomDataset,
    patient: Patient,
    study: StudyPlan,
    locale: Locale,
    planted: Planted,
    charset: str,
) -> None:
    person = patient.person

    def doctor(place: int) -> str:
        name = locale.physicians[(study.style + place) % len(locale.physicians)]
        name = name if fits(name, charset) else romanised(name)
        planted.add("physician", name.replace("^^", "^").split("^")[0])
        return planted.add("physician", name)

    operator = locale.operators[study.style % len(locale.operators)]
    operator = operator if fits(operator, charset) else romanised(operator)
    name = person_name(patient, locale, study.style, charset)
    planted.add("name", person.family)
    planted.add("name", person.given)
    for part in (romanised(person.family), romanised(person.given)):
        if part in name:
            planted.add("name", part)
    ds.PatientName = planted.add("name", name)
    own = person.physician if fits(person.physician, charset) else romanised(person.physician)
    planted.add("physician", own.split("^")[0])
    ds.ReferringPhysicianName = planted.add("physician", own)
    ds.PhysiciansOfRecord = doctor(1)
    ds.PerformingPhysicianName = doctor(2)
    ds.NameOfPhysiciansReadingStudy = doctor(3)
    ds.RequestingPhysician = ds.ReferringPhysicianName
    ds.OperatorsName = planted.add("operator", operator)
    planted.add("operator", operator.split("^")[0])
    ds.ResponsiblePerson = ""
    if patient.number % 5 == 2:
        ds.OtherPatientNames = planted.add(
            "name", f"{romanised(person.family)}-TEMP^{person.given}"
        )


def _identity(
    ds: DicomDataset, patient: Patient, study: StudyPlan, locale: Locale, planted: Planted
) -> None:
    person = patient.person
    ds.PatientID = planted.add("id", person.ids[0])
    ds.IssuerOfPatientID = locale.issuer
    ds.PatientBirthDate = planted.add("birth_date", f"{person.born:%Y%m%d}")
    ds.PatientBirthTime = ""
    ds.PatientSex = "M" if person.sex == "male" else "F"
    age = int((study.day - person.born).days / 365.25)
    ds.PatientAge = f"{age:03d}Y"
    ds.PatientSize = f"{person.height_cm / 100:.2f}"
    ds.PatientWeight = f"{person.weight_kg:.1f}"
    address = person.address if len(person.address.encode()) <= 64 else person.street
    ds.PatientAddress = planted.add("address", address)
    planted.add("address", person.street)
    ds.PatientTelephoneNumbers = planted.add("phone", person.phone)
    ds.EthnicGroup = ""
    ds.Occupation = ""
    ds.SmokingStatus = "UNKNOWN"
    ds.PregnancyStatus = 4
    ds.MedicalAlerts = ""
    ds.Allergies = ""
    ds.PatientState = ""
    items = []
    for value, issuer in ((person.ids[1], "RIS"), (person.ids[2], "REG")):
        item = DicomDataset()
        item.PatientID = planted.add("id", value)
        item.IssuerOfPatientID = f"{locale.issuer}-{issuer}"
        item.TypeOfPatientID = "TEXT"
        items.append(item)
    ds.OtherPatientIDsSequence = Sequence(items)
    if study.visit:
        ds.OriginalAttributesSequence = Sequence([_original(ds, study)])


def _original(ds: DicomDataset, study: StudyPlan) -> DicomDataset:
    """What a correction in the archive replaced. Source: PS3.3 C.12.1."""
    before = DicomDataset()
    before.PatientName = ds.PatientName
    before.PatientID = ds.OtherPatientIDsSequence[1].PatientID
    item = DicomDataset()
    item.SourceOfPreviousValues = "RIS"
    item.AttributeModificationDateTime = f"{study.day:%Y%m%d}{study.time}"
    item.ModifyingSystem = "PACS"
    item.ReasonForTheAttributeModification = "CORRECT"
    item.ModifiedAttributesSequence = Sequence([before])
    return item


def _order(
    ds: DicomDataset, patient: Patient, study: StudyPlan, locale: Locale, planted: Planted
) -> None:
    code, meaning, title = _PROCEDURES[study.region]
    title = f"{study.modality} {study.region}" if study.region != "breast" else f"{title} exam"
    ds.StudyInstanceUID = planted.add("uid", study.study_uid)
    ds.StudyDate = f"{study.day:%Y%m%d}"
    ds.StudyTime = study.time
    ds.AccessionNumber = planted.add("accession", study.accession)
    ds.StudyID = planted.add("id" if study.style == 2 else "study_id", study.study_id)
    ds.StudyDescription = title
    ds.TimezoneOffsetFromUTC = "+0100"
    ds.InstitutionName = planted.add("institution", locale.institution)
    ds.InstitutionAddress = planted.add("institution", locale.institution_address)
    ds.InstitutionalDepartmentName = planted.add("institution", locale.department)
    admission = f"{int.from_bytes(digest('admission', study.study_uid)[:4], 'big') % 10**8:08d}"
    ds.AdmissionID = planted.add("admission", f"V{admission}")
    ds.ServiceEpisodeID = f"E{admission}"
    planted.add("admission", f"E{admission}")
    ds.CurrentPatientLocation = locale.department
    ds.RequestingService = locale.department
    ds.RequestedProcedureDescription = title
    ds.RequestedProcedureID = f"RP{admission[:6]}"
    ds.AdmittingDate = f"{study.day:%Y%m%d}"
    ds.IssueDateOfImagingServiceRequest = f"{study.day - timedelta(days=9):%Y%m%d}"
    ds.RequestedProcedureCodeSequence = Sequence([_code(code, "SCT", meaning)])
    ds.ProcedureCodeSequence = Sequence([_code(code, "SCT", meaning)])
    ds.ReferencedStudySequence = Sequence([_reference(_STUDY_CLASS, study.study_uid)])
    step = uid("performed step", study.study_uid)
    planted.add("uid", step)
    ds.ReferencedPerformedProcedureStepSequence = Sequence([_reference(_STEP_CLASS, step)])
    ds.PerformedProcedureStepStartDate = ds.StudyDate
    ds.PerformedProcedureStepStartTime = study.time
    ds.PerformedProcedureStepID = f"PPS{admission[:5]}"
    ds.PerformedProcedureStepDescription = title
    request = DicomDataset()
    request.AccessionNumber = study.accession
    request.ReferencedStudySequence = Sequence([_reference(_STUDY_CLASS, study.study_uid)])
    request.StudyInstanceUID = study.study_uid
    request.RequestedProcedureDescription = title
    request.RequestedProcedureCodeSequence = Sequence([_code(code, "SCT", meaning)])
    request.RequestedProcedureID = f"RP{admission[:6]}"
    request.ScheduledProcedureStepDescription = title
    request.ScheduledProcedureStepID = f"SPS{admission[:5]}"
    request.ReasonForTheRequestedProcedure = _reason(patient, locale, planted)
    ds.RequestAttributesSequence = Sequence([request])


def _reason(patient: Patient, locale: Locale, planted: Planted) -> str:
    diagnosis = locale.table.values["diagnosis"].get(patient.concept, (locale.words["no_lesion"],))[
        0
    ]
    text = locale.words["request"].format(
        physician=patient.person.physician.split("^")[0],
        diagnosis=diagnosis,
        phone=planted.add("phone", patient.person.phone),
    )
    return _clipped(text)


def _clipped(text: str) -> str:
    """At most 64 bytes in UTF-8: some readers count bytes where PS3.5 counts characters."""
    while len(text.encode()) > 64:
        text = text[:-1]
    return text.rstrip()


def _comments(
    ds: DicomDataset, patient: Patient, study: StudyPlan, locale: Locale, planted: Planted
) -> None:
    person, words = patient.person, locale.words
    spoken = planted.add("name", f"{person.given} {person.family}")
    note = words["note"].format(name=spoken, id=person.ids[0], short_id=person.ids[2])
    ds.PatientComments = note
    asked = words["request"].format(
        physician=person.physician.split("^")[0], diagnosis="Ca", phone=person.phone
    )
    ds.AdditionalPatientHistory = f"{note} {asked}"
    ds.AdmittingDiagnosesDescription = locale.table.values["diagnosis"].get(
        patient.concept, ("Screening",)
    )[0]
    if study.style in (0, 4):
        ds.ImageComments = f"{person.family} {person.ids[2]} {study.accession}"
    lesion = study.lesion
    ds.VisitComments = (
        words["lesion"].format(mm=round(lesion.diameter_mm)) if lesion else words["no_lesion"]
    )


def series_header(
    ds: DicomDataset, study: StudyPlan, series: SeriesPlan, made_by: Machine, planted: Planted
) -> None:
    """Series, frame of reference and equipment elements. Source: PS3.3 C.7.3, C.7.4, C.7.5."""
    ds.Modality = series.modality
    ds.SeriesInstanceUID = planted.add("uid", series.series_uid)
    if series.modality in ("CT", "MR", "PT"):
        ds.FrameOfReferenceUID = planted.add("uid", study.frame_uid)
        ds.PositionReferenceIndicator = ""
    ds.SeriesNumber = str(series.number)
    ds.SeriesDate = ds.StudyDate
    minute = int(study.time[2:4]) + series.number
    hour = (int(study.time[:2]) + minute // 60) % 24
    ds.SeriesTime = f"{hour:02d}{minute % 60:02d}{study.time[4:]}"
    ds.AcquisitionDate = ds.StudyDate
    ds.ContentDate = ds.StudyDate
    ds.InstanceCreationDate = ds.StudyDate
    ds.InstanceCreationTime = ds.SeriesTime
    ds.BodyPartExamined = BODY_PARTS[series.region]
    ds.Manufacturer = made_by.manufacturer
    ds.ManufacturerModelName = made_by.model
    ds.SoftwareVersions = made_by.software.split("\\")
    ds.StationName = planted.add("device", made_by.station)
    ds.DeviceSerialNumber = planted.add("device", made_by.serial)
    ds.DeviceUID = planted.add("uid", uid("device", made_by.serial))
    ds.PerformedStationAETitle = made_by.station
    ds.DateOfLastCalibration = ds.StudyDate
    ds.TimeOfLastCalibration = "060000"
    ds.PerformedLocation = ""


def _code(value: str, scheme: str, meaning: str) -> DicomDataset:
    item = DicomDataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def _reference(sop_class: str, instance_uid: str) -> DicomDataset:
    item = DicomDataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = instance_uid
    return item
