"""The dictionaries and character sets of this project are those of the standard, as pydicom has."""

import codecs
import subprocess
import sys

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.charset import convert_encodings, decode_bytes, python_encoding

from tessera.domain.imaging.charsets import CODECS, decoded, encoded
from tessera.domain.imaging.dictionary import (
    DICTIONARY_VM,
    DICTIONARY_VR,
    REGISTERED_UIDS,
    TRANSFER_SYNTAXES,
)


def test_every_attribute_has_the_vr_and_number_of_values_of_the_standard() -> None:
    settled = {"US or SS": "US", "US or SS or OW": "OW", "OB or OW": "OW", "US or OW": "OW"}
    vrs = {tag: settled.get(entry[0], entry[0]).encode() for tag, entry in DicomDictionary.items()}
    numbers = {tag: int(e[1]) for tag, e in DicomDictionary.items() if e[1].isdigit()}
    assert vrs == DICTIONARY_VR
    assert numbers == DICTIONARY_VM


ADDED = {*(f"1.2.840.10008.1.2.4.11{n}" for n in range(3)), "1.2.840.10008.1.2.8.1"}
"""JPEG XL and deflated frames: pynetdicom adds them to pydicom's dictionary when it is loaded."""


def test_every_registered_uid_is_known() -> None:
    known = {uid: e for uid, e in UID_dictionary.items() if str(uid) not in ADDED}
    syntaxes = {uid for uid, e in known.items() if e[1] == "Transfer Syntax"}
    assert {str(uid) for uid in known} == set(REGISTERED_UIDS)
    assert syntaxes == TRANSFER_SYNTAXES


def test_the_gate_starts_without_pydicom() -> None:
    code = "import sys, tessera.domain.deid.gate; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_character_set_has_the_codec_that_pydicom_uses() -> None:
    for name, codec in python_encoding.items():
        same = {codecs.lookup(codec).name, codecs.lookup(CODECS[name]).name}
        assert len(same) == 1, name


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        (b"ISO_IR 100", b"\xc5ngstr\xf6m^\xc5sa"),
        (b"ISO_IR 192", "Ωμέγα^Άννα".encode()),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J"),
        (
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab",
        ),
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", b"Buc^J\xe9r\xf4me=\x1b-L\xbb\xee\xda"),
        (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030")),
    ],
)
def test_text_is_read_as_pydicom_reads_it_and_written_so_that_it_reads_back(
    charset: bytes, raw: bytes
) -> None:
    text = decoded(raw, charset)
    names = charset.decode().split("\\")
    assert text == decode_bytes(raw, convert_encodings(names), {"^", "="})  # type: ignore[arg-type]
    again = encoded(text, charset)
    assert again is not None
    assert decoded(again, charset) == text


def test_what_a_set_cannot_hold_is_not_written_as_something_else() -> None:
    assert encoded("Ωμέγα", b"ISO_IR 100") is None
    assert encoded("山田", b"ISO_IR 13") is None
    assert encoded("plain", b"ISO_IR 13") == b"plain"
