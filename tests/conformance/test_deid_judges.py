"""Real DICOM through `tessera deid`, judged from outside.

The judges are DCMTK's dcmdump, dicom3tools' dciodvfy, and pydicom reading input and output
side by side. None of them shares code with the engine.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from tessera.testing.judges import missing_judges, new_errors
from tessera.testing.leaks import find_identities
from tests.conformance.delivery import (
    BUNDLED,
    REFERENCE_FOLDERS,
    Delivery,
    deliver,
    folder_of,
    make_phantom,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

REGISTERED = "1.2.840.10008."
JUDGED_FILES = 20
COMPARED_FILES = 60
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
IDENTITIES = (
    "PatientName PatientID PatientBirthDate OtherPatientIDs PatientAddress InstitutionName "
    "InstitutionAddress ReferringPhysicianName PerformingPhysicianName OperatorsName StationName "
    "AccessionNumber PatientTelephoneNumbers OtherPatientNames PatientMotherBirthName "
    "PhysiciansOfRecord NameOfPhysiciansReadingStudy RequestingPhysician DeviceSerialNumber"
).split()
# Values of public test data that name no one and stand in honest places too: a body region as
# the patient, a number that is also the series number.
NOT_IDENTIFYING = {"anonymous", "anonymized", "unknown", "none", "removed", "test"} | {
    "perfusion^mca stroke",
    "123456",
}
CHANGED = {
    ("badVR.dcm", "NumberOfFrames"),
    # It says git@github.com:…: an address by its form.
    *(
        (f"{name}.dcm", "ManufacturerModelName")
        for name in ("sparse-labelmap-noppv", "sparse-labelmap-ppv5")
    ),
}
TECHNICAL = (
    "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel "
    "PhotometricInterpretation NumberOfFrames PixelSpacing ImagePositionPatient "
    "ImageOrientationPatient SliceThickness RescaleSlope RescaleIntercept Modality Manufacturer "
    "ManufacturerModelName SOPClassUID InstanceNumber SeriesNumber RepetitionTime EchoTime "
    "FlipAngle MagneticFieldStrength KVP ConvolutionKernel Units DecayCorrection FrameOfInterest "
    "PatientSex PatientPosition ImageType BurnedInAnnotation DoseUnits DoseGridScaling"
).split()


@pytest.fixture(
    scope="module",
    params=[
        "pydicom",
        "phantom",
        *(pytest.param(n, marks=pytest.mark.reference) for n in REFERENCE_FOLDERS),
    ],
)
def delivery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    work = tmp_path_factory.mktemp(request.param)
    if request.param == "phantom":
        folder = make_phantom(work / "site", patients=3, seed=5)
    else:
        folder = folder_of(request.param)
    return deliver(folder, work)


def elements(ds: Dataset, path: tuple[object, ...] = ()) -> Iterator[tuple[object, DataElement]]:
    """All elements at all levels, with the path that leads to each."""
    for element in ds:
        here = (*path, int(element.tag))
        yield here, element
        if isinstance(element.value, Sequence):
            for number, item in enumerate(element.value):
                yield from elements(item, (*here, number))


def uids(element: DataElement) -> list[str]:
    values = element.value if element.VM > 1 else [element.value]
    return [str(uid) for uid in values if uid]


def read(path: Path) -> Dataset:
    return dcmread(path, force=True)


def test_every_file_is_stored_or_has_a_reason(delivery: Delivery) -> None:
    files = {path for path in delivery.folder.rglob("*") if path.is_file()}
    zips = {path for path in files if path.suffix == ".zip"}
    sources = {one.source for one in delivery.outcomes}
    assert sources >= {str(path) for path in files - zips}
    assert all(any(one.startswith(str(path)) for one in sources) for path in zips)
    assert len({one.source for one in delivery.outcomes}) == len(delivery.outcomes)
    for one in delivery.outcomes:
        if one.state == "stored":
            assert (delivery.out / one.output).is_file(), one
        elif one.state == "duplicate":
            assert not one.output or (delivery.out / one.output).is_file(), one
        else:
            assert one.reason, one
            assert one.message, one
    outputs = {path for path in delivery.out.rglob("*") if path.is_file()}
    assert outputs == {
        delivery.out / one.output for one in delivery.outcomes if one.state == "stored"
    }


@pytest.mark.skipif(bool(missing_judges()), reason=f"not installed: {missing_judges()}")
def test_outputs_have_no_error_that_their_inputs_had_not(delivery: Delivery) -> None:
    gained = {
        str(before): errors
        for before, after in delivery.stored(JUDGED_FILES)
        if (errors := new_errors(before, after))
    }
    assert gained == {}


@pytest.mark.skipif(bool(missing_judges()), reason=f"not installed: {missing_judges()}")
def test_the_basic_profile_adds_no_error_to_reports_and_plans_either(tmp_path: Path) -> None:
    delivery = deliver(BUNDLED, tmp_path, profile="basic")
    special = [
        (before, after)
        for before, after in delivery.stored()
        if before.name.startswith(("report", "rt", "liver", "emri", "CT_small", "MR_small"))
    ]
    assert len(special) >= 5
    gained = {before.name: e for before, after in special if (e := new_errors(before, after))}
    assert gained == {}


JPEG = "1.2.840.10008.1.2.4."


def test_pixel_data_is_unchanged(delivery: Delivery) -> None:
    for before, after in delivery.stored(COMPARED_FILES):
        old, new = read(before), read(after)
        for tag in PIXEL_TAGS:
            assert (tag in old) == (tag in new), before
            if tag not in old:
                continue
            if old[tag].value != new[tag].value:  # turned round, or a comment in a JPEG blotted
                syntax = old.file_meta.TransferSyntaxUID
                assert syntax == ExplicitVRBigEndian or syntax.startswith(JPEG), before
                assert len(old[tag].value) == len(new[tag].value), before
                assert (old.pixel_array == new.pixel_array).all(), before


def test_what_research_needs_is_unchanged(delivery: Delivery) -> None:
    for before, after in delivery.stored(COMPARED_FILES):
        old, new = read(before), read(after)
        for keyword in TECHNICAL:
            is_id = str(old.get(keyword)) == str(old.get("PatientID"))
            if keyword in old and not is_id and (before.name, keyword) not in CHANGED:
                assert new.get(keyword) == old.get(keyword), (before, keyword)


def test_no_uid_of_an_instance_is_left_and_each_is_replaced_by_one_other(
    delivery: Delivery,
) -> None:
    to_new: dict[str, str] = {}
    to_old: dict[str, str] = {}
    for before, after in delivery.stored(COMPARED_FILES):
        old = {path: one for path, one in elements(read(before)) if one.VR == "UI"}
        for path, element in elements(read(after)):
            if element.VR != "UI" or path not in old:
                continue
            assert len(uids(element)) == len(uids(old[path])), (before, path)
            for was, now in zip(uids(old[path]), uids(element), strict=True):
                if was.startswith(REGISTERED):
                    assert now == was, (before, path)
                elif element.keyword != "CodingSchemeUID":  # public schemes stay
                    assert now != was, (before, path)
                    assert to_new.setdefault(was, now) == now, (before, path)
                    assert to_old.setdefault(now, was) == was, (before, path)


def test_references_point_at_the_new_names_of_what_they_pointed_at(delivery: Delivery) -> None:
    pairs = [(read(before), read(after)) for before, after in delivery.stored(COMPARED_FILES)]
    renamed = {str(old.SOPInstanceUID): str(new.SOPInstanceUID) for old, new in pairs}
    for old, new in pairs:
        targets = dict(elements(old))
        for path, element in elements(new):
            if element.keyword == "ReferencedSOPInstanceUID" and path in targets:
                target = str(targets[path].value)
                if target in renamed:
                    assert str(element.value) == renamed[target]


def test_no_identity_of_the_patient_or_staff_is_left_in_any_value(delivery: Delivery) -> None:
    for before, after in delivery.stored(COMPARED_FILES):
        planted = {
            str(value).casefold()
            for _, element in elements(read(before))
            if element.keyword in IDENTITIES and element.value
            for value in (element.value if element.VM > 1 else [element.value])
            if len(str(value)) >= 4
        } - NOT_IDENTIFYING
        for path, element in elements(read(after)):
            if element.VR in ("OB", "OW", "SQ", "UN", "UI") or "Manufacturer" in element.keyword:
                continue  # public test data gives makers as institutions
            text = str(element.value).casefold()
            assert not [one for one in planted if one == text], (before, path, element)
            if element.VR in ("PN", "LO", "LT", "ST", "UT", "UC", "SH"):
                assert not [one for one in planted if one in text], (before, path, element)


def test_no_name_or_identifier_of_the_patient_is_left_in_any_byte(delivery: Delivery) -> None:
    for before, after in delivery.stored(JUDGED_FILES):
        ds = read(before)
        sought = [
            text
            for keyword in ("PatientName", "PatientID", "PatientBirthDate")
            if len(text := str(ds.get(keyword) or "")) >= 6
            and text.casefold() not in NOT_IDENTIFYING
        ]
        try:
            leaks = find_identities([after], sought)
        except ValueError:
            continue  # an identity of public test data, like "0000-1", that cannot be looked for
        assert leaks == [], before


def test_every_output_says_that_and_how_it_was_deidentified(delivery: Delivery) -> None:
    for _, after in delivery.stored(COMPARED_FILES):
        ds = dcmread(after, stop_before_pixels=True)
        assert ds.PatientIdentityRemoved == "YES"
        assert ds.DeidentificationMethod
        codes = [(item.CodeValue, item.CodingSchemeDesignator) for item in ds[0x00120064].value]
        assert codes[0] == ("113100", "DCM")
        assert ds.LongitudinalTemporalInformationModified in ("MODIFIED", "REMOVED", "UNMODIFIED")
        assert ds.PatientID == str(ds.PatientName)
