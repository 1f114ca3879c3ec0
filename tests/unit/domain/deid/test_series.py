"""What the gate remembers of a series never changes what it writes, nor what it holds back."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tessera.adapters.files.rule_files import rule_texts, vocabulary
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pixels.checked import seal_checked
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import BytesSource, read_file_meta
from tessera.domain.zones import Identified
from tests.deid_oracle import KEY, encoded, rules

CT = "1.2.840.10008.5.1.4.1.1.2"
US = "1.2.840.10008.5.1.4.1.1.6.1"


def gate() -> Deidentifier:
    classes = read_storage_classes(rule_texts().storage_classes)
    return Deidentifier(rules(), Pseudonymiser(KEY), classes, vocabulary())


def ct(number: int, **attributes: object) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.Modality = CT, "CT"
    ds.SOPInstanceUID = f"1.2.3.4.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.5", "1.2.3.6"
    ds.StudyDate = ds.AcquisitionDate = "20240229"
    ds.PatientName, ds.PatientID = "Vennerström^Åsa", "19640823-3234"
    ds.StudyDescription = "CT thorax Vennerström"
    ds.Manufacturer = "Siemens"
    ds.InstanceNumber = number
    ds.ImagePositionPatient = [0, 0, number]
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", str(100 * number))
    block.add_new(0x77, "LO", "Vennerström" * (number % 3 + 1))
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = CT, f"1.2.3.4.{number + 1}"
    ds.SourceImageSequence = Sequence([source])
    ds.Rows = ds.Columns = 2
    ds.BitsAllocated, ds.SamplesPerPixel = 8, 1
    ds.PixelData = bytes([number % 250] * 4)
    for name, value in attributes.items():
        setattr(ds, name, value)
    return ds


def written(one: Deidentifier, data: bytes, **more: object) -> bytes:
    source = BytesSource(data)
    done = one.deidentify(Identified(source), read_file_meta(source), **more)  # type: ignore[arg-type]
    pixels = done.value.pixels
    tail = done.value.source.read(*pixels) if pixels else b""
    return done.value.meta + done.value.head + tail


def outcome(one: Deidentifier, data: bytes) -> bytes | str:
    try:
        return written(one, data)
    except InvalidDicom as err:
        return f"{err.reason} {err.element}"


SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_series_comes_out_as_its_instances_one_by_one(
    syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [encoded(ct(n), syntax) for n in range(1, 9)]
    files += [encoded(ct(n, SeriesInstanceUID="1.2.3.7"), syntax) for n in range(9, 12)]
    fulls = []
    in_full = Deidentifier._in_full

    def counted(self: Deidentifier, *arguments: object) -> object:
        fulls.append(1)
        return in_full(self, *arguments)  # type: ignore[arg-type]

    alone = [written(gate(), data) for data in files]
    monkeypatch.setattr(Deidentifier, "_in_full", counted)
    one = gate()
    assert [written(one, data) for data in files] == alone
    assert len(fulls) < 6  # the others went by the template
    assert len(set(alone)) == len(files)
    for body in alone:
        assert "Vennerström".encode() not in body
        assert b"19640823" not in body
        assert b"1.2.3." not in body


def test_whatever_differs_within_a_series_changes_nothing_else() -> None:
    nested = Dataset()
    nested.PersonName = "Kallstenius^Bo"
    odd = [
        ct(20, PatientName="Kallstenius^Bo"),
        ct(21, PatientID="7"),
        ct(22, StudyDescription="CT Kallstenius"),
        ct(23, OperatorsName="Siemens^Thorax"),
        ct(24, SpecificCharacterSet="ISO_IR 100"),
        ct(25, BurnedInAnnotation="YES"),
        ct(26, Modality="US"),
        ct(27, SOPClassUID="1.2.840.10008.5.1.4.1.1.4"),
        ct(28, StudyDescription="1.2.3.4.28"),
        ct(29, SourceImageSequence=Sequence([nested])),
        ct(30, StudyInstanceUID="1.2.3.55"),
        ct(31, ImageComments="CT Kallstenius 1964-08-23"),
        ct(32),
        ct(33, FrameOfReferenceUID="1.2.3.4.9"),
    ]
    del odd[1].PixelData, odd[12].SOPInstanceUID
    files = [encoded(ct(n)) for n in range(1, 4)]
    for ds in odd:
        data = encoded(ds)
        files += [data, encoded(ct(int(ds.InstanceNumber) + 40)), data[:-3], data + b"\0\0"]
    one = gate()
    for data in files:
        assert outcome(one, data) == outcome(gate(), data)


def test_counts_are_those_of_every_instance() -> None:
    one = gate()
    for n in range(1, 8):
        written(one, encoded(ct(n)))
    counts = one.take_counts()
    assert counts[0x00100010, rules().actions[0x00100010]] == 7
    assert not any(one.take_counts().values())


def test_the_frame_of_an_atlas_stays_and_holds_nothing_back() -> None:
    body = written(gate(), encoded(ct(1, FrameOfReferenceUID="1.2.840.10008.1.4.1.1")))
    assert b"1.2.840.10008.1.4.1.1" in body


def test_a_name_in_a_comment_of_the_compressed_pixels_is_overwritten() -> None:
    from pydicom.encaps import encapsulate

    def jpeg(text: bytes) -> bytes:
        comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
        return b"\xff\xd8" + comment + b"\xff\xda\x00\x02xxxx\xff\xd9"

    one = gate()
    for n, text in enumerate((b"made by an encoder", b"VENNERSTROM, ASA", b"an encoder's"), 1):
        ds = ct(n)
        ds.PixelData = encapsulate([jpeg(text)])
        ds["PixelData"].is_undefined_length = True
        done = outcome(one, encoded(ds, "1.2.840.10008.1.2.4.50"))
        assert isinstance(done, bytes)
        assert text not in done
        assert done.count(b"xxxx\xff\xd9") == 1


def test_only_the_proof_for_these_pixels_lets_a_picture_pass() -> None:
    from hashlib import sha256

    ds = ct(1, SOPClassUID=US, Modality="US")
    data = encoded(ds)
    with pytest.raises(InvalidDicom) as caught:
        written(gate(), data)
    assert caught.value.reason == "text-risk"
    other = seal_checked(sha256(b"other").hexdigest())
    with pytest.raises(InvalidDicom):
        written(gate(), data, pixels=other)
    body = written(gate(), data, pixels=seal_checked(sha256(ds.PixelData).hexdigest()))
    assert b"113101" in body
    assert b"\x28\x00\x01\x03CS\x02\x00NO" in body


def test_memory_does_not_grow_with_the_size_of_a_value(tmp_path: Path) -> None:
    import tracemalloc

    from tessera.adapters.files.dicom_source import dataset_source, opened

    path = tmp_path / "large.dcm"
    ds = ct(1, NumberOfFrames="500000")
    data = encoded(ds)
    head = data[:-8]  # without the length and the four bytes of its pixels
    size = 2 << 30
    with path.open("wb") as file:
        file.write(head + size.to_bytes(4, "little"))
        file.truncate(len(head) + 4 + size)
    tracemalloc.start()
    with opened(path) as file:
        source, meta = dataset_source(file)
        done = gate().deidentify(Identified(source), meta).value
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.pixel_value is not None
    assert done.pixel_value[1] == size
    assert peak < 100 << 20
