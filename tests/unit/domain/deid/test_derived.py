"""The gate for derived objects: the same subject and study, and nobody and no day besides."""

from dataclasses import replace
from datetime import date
from hashlib import sha256
from io import BytesIO

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tessera.domain.deid.derived import NotDerived, derived_instance
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow

SOURCE = InstanceRow(
    subject=Pseudonym("TES-A"),
    study_uid=StudyUid("2.25.1"),
    series_uid=SeriesUid("2.25.2"),
    instance_uid=InstanceUid("2.25.3"),
    sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    study_date=date(2020, 5, 20),
)


def made(**changed: object) -> bytes:
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.9", "2.25.1", "2.25.8"
    ds.PatientID = ds.PatientName = "TES-A"
    ds.PatientBirthDate = ds.AccessionNumber = ""
    ds.PatientIdentityRemoved = "YES"
    ds.StudyDate = ds.ContentDate = "20200520"
    ds.Modality = "SEG"
    ds.PixelData = b"\x01\x00"
    ds["PixelData"].VR = "OB"
    for keyword, value in changed.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_an_object_of_the_same_study_is_sealed_with_its_hashes() -> None:
    content = made()
    row = derived_instance(content, [SOURCE], place="ab/2.25.9.dcm").value
    assert (row.instance_uid, row.path) == ("2.25.9", "ab/2.25.9.dcm")
    assert row.sha256 == sha256(content).hexdigest() and row.n_bytes == len(content)
    assert row.pixel_sha256 == sha256(b"\x01\x00").hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        {"PatientID": "TES-B"},
        {"PatientName": "Ek^Anna"},
        {"StudyInstanceUID": "2.25.7"},
        {"SOPInstanceUID": "2.25.3"},
        {"PatientIdentityRemoved": "NO"},
        {"PatientBirthDate": "19121212"},
        {"AccessionNumber": "A1"},
        {"InstitutionName": "Hospital"},
        {"OperatorsName": "Ek^Bo"},
        {"ContentDate": "20261122"},
        {"SeriesDate": "20261122"},
    ],
)
def test_whoever_else_or_another_day_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(NotDerived) as err:
        derived_instance(made(**changed), [SOURCE], place="x")
    assert not any(str(value) in str(err.value) for value in changed.values())


def test_where_dates_are_removed_only_the_day_that_means_none_is_allowed() -> None:
    source = replace(SOURCE, study_date=None)
    assert derived_instance(made(StudyDate="", ContentDate="19000101"), [source], place="x")
    with pytest.raises(NotDerived):
        derived_instance(made(StudyDate="", ContentDate="20261122"), [source], place="x")
