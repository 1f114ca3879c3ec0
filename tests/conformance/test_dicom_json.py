"""DICOM JSON from header bytes against pydicom's, on every file that pydicom brings with it."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tessera.adapters.files.dicom_source import dataset_source, opened
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.dicom_json import Describer
from tessera.domain.imaging.encoding import OddEncoding

FILES = sorted((Path(pydicom.__file__).parent / "data").rglob("*.dcm"))


def plain(instance: dict[str, Any]) -> dict[str, Any]:
    """Return what both must agree on: padding, empty values and the JSON's own charset apart."""
    made = {}
    for name, attribute in sorted(instance.items()):
        if name.endswith("0000") or name >= "7FE00008":
            continue  # group lengths are not told; pixel data is always a reference here
        value, vr = dict(attribute), str(attribute["vr"])
        value["vr"] = vr
        values = value.get("Value", [])
        if name == "00080005" and values:
            value["Value"] = ["ISO_IR 192"]
        elif vr == "SQ":
            value["Value"] = [plain(item) for item in values]
        elif vr == "PN":
            value["Value"] = [{k: v.rstrip() for k, v in (n or {}).items() if v} for n in values]
        elif values:
            value["Value"] = [_bare(one, vr) for one in values]
        if not value.get("Value", True) or value.get("Value") in ([None], [{}]):
            value.pop("Value") if vr != "SQ" else None
        if "BulkDataURI" in value:
            value["BulkDataURI"] = ""
        made[name] = value
    return made


def _bare(value: Any, vr: str) -> Any:
    if isinstance(value, str):
        return (value.strip(" \0") if vr in ("CS", "AE") else value.rstrip(" \0")) or None
    return value


def private_left_out(instance: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return without the elements that pydicom's dictionary of private elements knows a VR of."""
    return {
        name: value
        for name, value in instance.items()
        if not (int(name[:4], 16) & 1 and other.get(name, {}).get("vr") == "UN")
    }


def test_dicom_json_is_that_of_pydicom() -> None:
    describer, compared = Describer(), 0
    logging.disable(logging.CRITICAL)
    try:
        for path in FILES:
            try:
                with opened(path) as file:
                    ours = plain(json.loads(describer.describe(*dataset_source(file)).json()))
            except (OddEncoding, InvalidDicom):
                continue  # such files are put right before they are stored
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    ds = pydicom.dcmread(path)
                    theirs = plain(ds.to_json_dict(bulk_data_element_handler=lambda _: ""))
                except ValueError:
                    continue  # a value that is none: pydicom gives no JSON of it
            assert private_left_out(ours, ours) == private_left_out(theirs, ours), path
            compared += 1
    finally:
        logging.disable(logging.NOTSET)
    assert compared > 60


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("FD", [1.5, float("inf"), float("nan")], [1.5, "inf", "NaN"]),
        ("DS", ["1.50", "", "-2e3"], [1.5, None, -2000.0]),
        ("IS", ["7", "-1"], [7, -1]),
        ("LO", ["a", "", 'å "b"'], ["a", None, 'å "b"']),
        ("AT", [0x00080018], ["00080018"]),
        ("UT", "a\\b", ["a\\b"]),
        ("PN", "Ä^B=漢=", [{"Alphabetic": "Ä^B", "Ideographic": "漢"}]),
        ("UV", [2**63], [2**63]),
    ],
)
def test_values_are_as_annex_f_has_them(
    tmp_path: Path, vr: str, value: object, expected: list[object]
) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, "2.25.1"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.private_block(0x0011, "TEST", create=True).add_new(1, vr, value)
    ds.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with opened(tmp_path / "x.dcm") as file:
        made = json.loads(Describer().describe(*dataset_source(file)).json())
    assert made["00111001"] == {"vr": vr, "Value": expected}
