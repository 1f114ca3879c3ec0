"""Where identities stand in headers beyond the usual ones. Each place adds to one instance."""

from collections.abc import Callable

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.second_corpus.instance import Instance, item, path
from tests.second_corpus.people import Name, telling
from tests.second_corpus.wording import address, local_date, street_word


def code(value: str, scheme: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def _sequence(ds: Dataset, keyword: str, *items: Dataset, above: str = "") -> str:
    setattr(ds, keyword, Sequence(items))
    return item(path(keyword, above))


def gone(name: Name, lang: str) -> str:
    """Return the words of a name in a header that may not be found again."""
    if lang != "ja":
        return telling(name.last)
    return telling(name.latin) if name.latin else f"{name.last} {name.first}"


def other_ids(i: Instance) -> None:
    one = Dataset()
    above = _sequence(i.ds, "OtherPatientIDsSequence", one)
    i.identity(one, "PatientID", i.person.national, i.person.national, "national-id", above,
               "nested-1")  # fmt: skip
    one.TypeOfPatientID = "TEXT"
    i.knows("national-id", i.person.national)


def other_names(i: Instance) -> None:
    p = i.person
    i.identity(i.ds, "OtherPatientNames", i.person_name(p.name), gone(p.name, i.lang),
               "patient-name")  # fmt: skip
    i.identity(i.ds, "PatientMotherBirthName", i.person_name(p.relative), gone(p.relative, i.lang),
               "relative-name")  # fmt: skip
    i.identity(i.ds, "ResponsiblePerson", i.person_name(p.relative), gone(p.relative, i.lang),
               "relative-name")  # fmt: skip
    i.ds.ResponsiblePersonRole = "SPOUSE"
    i.names("relative-name", p.relative)


def contact(i: Instance) -> None:
    p = i.person
    said = address(p) if p.lang == "ja" else street_word(p)
    i.identity(i.ds, "PatientAddress", address(p), said, "address")
    i.identity(i.ds, "PatientTelephoneNumbers", p.phone, p.phone, "phone")
    i.identity(i.ds, "PatientTelecomInformation", f"mailto:{p.mail}", p.mail, "mail")
    for kind, value in (("address", street_word(p)), ("phone", p.phone), ("mail", p.mail)):
        i.knows(kind, value)


def request(i: Instance) -> None:
    one, study = Dataset(), Dataset()
    above = _sequence(i.ds, "RequestAttributesSequence", one)
    i.identity(one, "AccessionNumber", i.study.accession, i.study.accession, "accession", above,
               "nested-1")  # fmt: skip
    i.identity(one, "RequestedProcedureID", i.study.accession, i.study.accession, "accession",
               above, "nested-1")  # fmt: skip
    i.descriptor(one, "RequestedProcedureDescription", above)
    i.descriptor(one, "ScheduledProcedureStepDescription", above)
    one.ScheduledProcedureStepID = "1"
    inner = _sequence(one, "ReferencedStudySequence", study, above=above)
    i.kept_uid(study, "ReferencedSOPClassUID", "1.2.840.10008.3.1.2.3.1", inner)
    i.set_uid(study, "ReferencedSOPInstanceUID", i.study.uid, inner, "nested-2", resolves=True)


def original_attributes(i: Instance) -> None:
    outer, old, other, issuer = Dataset(), Dataset(), Dataset(), Dataset()
    a = _sequence(i.ds, "OriginalAttributesSequence", outer)
    i.identity(outer, "SourceOfPreviousValues", i.person.site.name[:64], i.person.site.telling,
               "institution", a, "nested-1")  # fmt: skip
    i.date(outer, "AttributeModificationDateTime", i.moment(90_000), a, "nested-1")
    outer.ModifyingSystem, outer.ReasonForTheAttributeModification = "PACS", "CORRECT"
    b = _sequence(outer, "ModifiedAttributesSequence", old, above=a)
    name = i.person.name
    i.identity(old, "PatientName", i.person_name(name), gone(name, i.lang), "patient-name", b,
               "nested-2")  # fmt: skip
    i.date(old, "StudyDate", i.days(-1), b, "nested-2")
    c = _sequence(old, "OtherPatientIDsSequence", other, above=b)
    i.identity(other, "PatientID", i.person.mrn, i.person.mrn, "mrn", c, "nested-3")
    other.TypeOfPatientID = "TEXT"
    d = _sequence(other, "IssuerOfPatientIDQualifiersSequence", issuer, above=c)
    one = i.person.national
    i.identity(issuer, "UniversalEntityID", one, one, "national-id", d, "nested-4")
    issuer.UniversalEntityIDType = "DNS"
    i.knows("national-id", one)
    i.knows("institution", i.person.site.telling)


def staff_codes(i: Instance) -> None:
    one = Dataset()
    who = i.person.radiologist
    above = _sequence(i.ds, "PerformingPhysicianIdentificationSequence", one)
    said = who.natural(i.lang)
    inner = _sequence(one, "PersonIdentificationCodeSequence", code("4711", "99LOCAL", said),
                      above=above)  # fmt: skip
    i.check("text_removed", path("CodeMeaning", inner), said, "staff-name", "nested-2")
    i.identity(one, "InstitutionName", i.person.site.name, i.person.site.telling, "institution",
               above, "nested-1")  # fmt: skip
    i.identity(i.ds, "PerformingPhysicianName", i.person_name(who), gone(who, i.lang), "staff-name")
    i.names("staff-name", who)
    i.knows("institution", i.person.site.telling)


def staff(i: Instance) -> None:
    p = i.person
    i.ds.PhysiciansOfRecord = [i.person_name(p.referrer), i.person_name(p.radiologist)]
    for who in (p.referrer, p.radiologist):
        i.check("text_removed", path("PhysiciansOfRecord"), gone(who, i.lang), "staff-name",
                "header")  # fmt: skip
        i.names("staff-name", who)
    i.identity(i.ds, "NameOfPhysiciansReadingStudy", i.person_name(p.radiologist),
               gone(p.radiologist, i.lang), "staff-name")  # fmt: skip
    i.identity(i.ds, "RequestingPhysician", i.person_name(p.referrer), gone(p.referrer, i.lang),
               "staff-name")  # fmt: skip


def unlisted(i: Instance) -> None:
    name = i.person.name
    last = name.last if i.lang != "ja" else name.natural("ja")
    i.ds.SoftwareVersions = ["VE11C", f"{last} {name.first}"[:60]]
    i.check("text_removed", path("SoftwareVersions"), telling(last), "patient-name", "unlisted")
    i.check("text_retained", path("SoftwareVersions"), "VE11C", "technical", "unlisted")
    i.identity(i.ds, "FilterType", f"FLAT {i.person.mrn}", i.person.mrn, "mrn", "", "unlisted")
    i.check("text_retained", path("FilterType"), "FLAT", "technical", "unlisted")
    procedure = code("CTTHX", "99LOCAL", f"CT thorax {i.study.accession}")
    above = _sequence(i.ds, "ProcedureCodeSequence", procedure)
    i.check("text_removed", path("CodeMeaning", above), i.study.accession, "accession", "unlisted")
    i.check("text_retained", path("CodeMeaning", above), "CT thorax", "clinical", "unlisted")


def private_unsafe(i: Instance) -> None:
    name, creator = i.person.name, "VELLUM WORKLIST 2.1"
    said = i.person_name(name)
    text = name.natural(i.lang)
    if i.lang == "ja" and i.syntax == "1.2.840.10008.1.2":
        text = name.latin  # read as unknown, it would be bytes of ISO 2022
    where = i.private(0x0009, creator, 0x01, "LO", text)
    i.check("text_removed", where, telling(text), "patient-name", "private")
    where = i.private(0x0009, creator, 0x02, "SH", i.person.mrn)
    i.check("text_removed", where, i.person.mrn, "mrn", "private")
    if i.syntax != "1.2.840.10008.1.2":  # there the nested name could not be told from bytes
        inner = Dataset()
        inner.add_new(0x00100010, "PN", said)
        i.private(0x0011, "OTHER VENDOR", 0x05, "IS", "3")
        where = item(i.private(0x0011, creator, 0x10, "SQ", Sequence([inner])))
        i.check("text_removed", path("PatientName", where), gone(name, i.lang),
                "patient-name", "private-sequence")  # fmt: skip
    where = i.private(0x0013, creator, 0x20, "DA", i.days(0))
    i.check("date_shifted", where, i.days(0), "date", "private")
    where = i.private(0x0013, creator, 0x21, "UN", f"ref:{i.person.mrn};v1".encode().ljust(20))
    i.check("text_removed", where, i.person.mrn, "mrn", "private")


def private_orphan(i: Instance) -> None:
    i.ds.add_new(0x00171001, "LO", i.person.mrn)
    i.check("text_removed", "<(0017,1001)>", i.person.mrn, "mrn", "private-no-creator")


def private_safe(i: Instance) -> None:
    rows = {
        "MR": (
            (0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "800"),
            (0x0019, "SIEMENS MR HEADER", 0x0D, "CS", "DIRECTIONAL"),
            (0x2001, "Philips Imaging DD 001", 0x03, "FL", 800.0),
            (0x2005, "Philips MR Imaging DD 001", 0x0E, "FL", 0.0125),
            (0x0043, "GEMS_PARM_01", 0x39, "IS", ["800", "8", "0", "0"]),
        ),
        "PT": (
            (0x7053, "Philips PET Private Group", 0x00, "DS", "0.000551"),
            (0x7053, "Philips PET Private Group", 0x09, "DS", "1.7391"),
        ),
    }
    for group, creator, low, vr, value in rows.get(str(i.ds.Modality), rows["MR"][:1]):
        where = i.private(group, creator, low, vr, value)
        i.check("tag_retained", where, "", "safe-private", "private-safe")
    spoofed = i.private(0x0019, "VELLUM SPOOF", 0x0C, "LO", i.person.mrn)
    i.check("text_removed", spoofed, i.person.mrn, "mrn", "private-foreign-creator")


def file_meta(i: Instance) -> None:
    title = f"AE_{i.person.mrn}"
    i.meta.SourceApplicationEntityTitle = title
    i.check("text_removed", "<(0002,0016)>", i.person.mrn, "mrn", "file-meta")
    i.meta.PrivateInformationCreatorUID = "1.2.826.0.1.3680043.9.7133.77"
    i.meta.PrivateInformation = f"patient={i.person.national}".encode().ljust(40)
    i.check("text_removed", "<(0002,0102)>", i.person.national, "national-id", "file-meta")
    i.knows("national-id", i.person.national)


def preamble(i: Instance) -> None:
    name = i.person.name.latin.replace("^", " ") or i.person.name.natural(i.lang)
    i.preamble = b"II*\0" + f"{name} {i.person.mrn}".encode()[:120].ljust(124, b"\0")


def trailing(i: Instance) -> None:
    name = i.person.name.latin.replace("^", " ") or i.person.name.natural(i.lang)
    i.ds.add_new(0xFFFCFFFC, "OB", f"{name};{i.person.mrn};".encode().ljust(96, b"\0"))
    i.check("text_removed", "<(FFFC,FFFC)>", i.person.mrn, "mrn", "trailing-padding")


def dates(i: Instance) -> None:
    i.date(i.ds, "InstanceCreationDate", i.days(0))
    if "AcquisitionDateTime" not in i.ds:
        i.date(i.ds, "AcquisitionDateTime", i.moment(61) + ".250000")
        i.check("interval_kept", "<(0008,0020)>+<(0008,0030)>", "<(0008,002A)>||61", "interval",
                "date")  # fmt: skip
    i.date(i.ds, "DateOfLastCalibration", i.days(-30))
    i.date(i.ds, "PerformedProcedureStepStartDate", i.days(0))
    i.date(i.ds, "ScheduledProcedureStepStartDate", i.days(-2))
    said = local_date(i.lang, i.study.prior)
    i.ds.PatientState = said
    i.check("date_shifted", path("PatientState"), said, "date-in-text", "free-text")


def site(i: Instance) -> None:
    at = i.person.site
    street, postcode, town = at.address
    i.identity(i.ds, "InstitutionAddress", f"{street}, {postcode} {town}",
               " ".join(w for w in street.split() if len(w) > 3), "address")  # fmt: skip
    above = _sequence(i.ds, "InstitutionCodeSequence", code("H1", "99LOCAL", at.name))
    i.check("text_removed", path("CodeMeaning", above), at.telling, "institution", "nested-1")
    i.identity(i.ds, "ResponsibleOrganization", at.name, at.telling, "institution")
    i.knows("institution", at.telling)


def numbers(i: Instance) -> None:
    p = i.person
    i.identity(i.ds, "AdmissionID", f"ADM{p.mrn}", p.mrn, "mrn")
    i.identity(i.ds, "MedicalRecordLocator", p.mrn, p.mrn, "mrn")
    i.identity(i.ds, "PlacerOrderNumberImagingServiceRequest", i.study.accession,
               i.study.accession, "accession")  # fmt: skip
    i.identity(i.ds, "FillerOrderNumberImagingServiceRequest", i.study.accession,
               i.study.accession, "accession")  # fmt: skip
    i.identity(i.ds, "PerformedProcedureStepID", i.study.accession[:16], i.study.accession[:16],
               "accession")  # fmt: skip
    i.identity(i.ds, "RetrieveURL", f"https://pacs.example/wado?pid={p.mrn}", p.mrn, "mrn")
    i.date(i.ds, "AdmittingDate", i.days(-4))


def context(i: Instance) -> None:
    outer, inner, third = Dataset(), Dataset(), Dataset()
    a = _sequence(i.ds, "PerformedProtocolCodeSequence", code("P1", "99LOCAL", "Protocol"))
    protocol = i.ds.PerformedProtocolCodeSequence[0]
    b = _sequence(protocol, "ProtocolContextSequence", outer, above=a)
    outer.ValueType = "TEXT"
    _sequence(outer, "ConceptNameCodeSequence", code("121106", "DCM", "Comment"), above=b)
    i.text(outer, "TextValue", b, "nested-2")
    c = _sequence(outer, "ContentItemModifierSequence", inner, above=b)
    inner.ValueType = "PNAME"
    _sequence(inner, "ConceptNameCodeSequence", code("121008", "DCM", "Person Observer Name"))
    who = i.person.technologist
    i.identity(inner, "PersonName", i.person_name(who), gone(who, i.lang), "staff-name", c,
               "nested-3")  # fmt: skip
    d = _sequence(inner, "OriginalAttributesSequence", third, above=c)
    i.set_uid(third, "SOPInstanceUID", i.uid, d, "nested-4")
    i.names("staff-name", who)


def contrast(i: Instance) -> None:
    i.ds.ContrastBolusAgent = f"Ultravist 370 90 ml {i.person.mrn}"
    i.check("text_removed", path("ContrastBolusAgent"), i.person.mrn, "mrn", "descriptor")
    i.check("text_retained", path("ContrastBolusAgent"), "Ultravist 370 90 ml", "clinical",
            "descriptor")  # fmt: skip


PLACES: tuple[Callable[[Instance], None], ...] = (
    other_ids, other_names, contact, request, original_attributes, staff_codes, staff, unlisted,
    private_unsafe, private_orphan, private_safe, file_meta, preamble, trailing, dates, site,
    numbers, context, contrast,
)  # fmt: skip

TEXTS = (
    "AdditionalPatientHistory", "PatientComments", "ImageComments", "AcquisitionComments",
    "RequestedProcedureComments", "StudyComments", "VisitComments", "DerivationDescription",
    "AcquisitionProtocolDescription", "CommentsOnThePerformedProcedureStep",
)  # fmt: skip
ONLY_GONE = ("InterpretationText", "Impressions")
DESCRIPTORS = (
    "PerformedProcedureStepDescription", "RequestedProcedureDescription",
    "AdmittingDiagnosesDescription", "ReasonForTheRequestedProcedure", "ReasonForStudy",
)  # fmt: skip
