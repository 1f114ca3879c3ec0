"""What an encoder wrote beside the pixels does not leave the gate, whatever it says."""

from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.encaps import encapsulate, encapsulate_extended

from tessera.adapters.files.deid_folder import DeidFolder
from tessera.adapters.files.rule_files import rule_texts, vocabulary
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.ports.ledger import SourceFile, State
from tests.burned_in import JPEG, anatomy, instance, jpeg
from tests.deid_oracle import KEY, rules

CT = "1.2.840.10008.5.1.4.1.1.2"
FRAMES = np.stack([anatomy(64, 64, seed=n) for n in (1, 2, 3)])


def _file(number: int, *, extended: bool = False) -> bytes:
    plain = instance(FRAMES, syntax=JPEG, frames=3, modality="CT", sop_class=CT)
    ds = dcmread(BytesIO(plain))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = (
        f"1.2.826.0.1.3680043.10.99.{number}"
    )
    frames = [jpeg(frame, comment=b"Lindqvist^Karin, ward of Mimmi") for frame in FRAMES]
    if extended:
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(
            frames
        )
    else:
        ds.PixelData = encapsulate(frames)
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_comments_go_in_full_and_by_template_and_frames_are_found_where_they_were(
    tmp_path: Path,
) -> None:
    classes = read_storage_classes(rule_texts().storage_classes)
    folder = DeidFolder(Deidentifier(rules(), Pseudonymiser(KEY), classes, vocabulary()), tmp_path)
    for number in range(1, 6):  # from the second on the series is known
        data = _file(number, extended=number == 5)
        assert data.count(b"Mimmi") == 3
        path = tmp_path / f"in{number}"
        path.write_bytes(data)
        source = SourceFile(path=str(path), size=len(data), modified_ns=1)
        (outcome,) = folder((source,)).files
        assert outcome.state == State.STORED
        assert outcome.output is not None
        written = (tmp_path / outcome.output).read_bytes()
        for secret in (b"Lindqvist", b"Karin", b"Mimmi"):
            assert secret not in written
        after = dcmread(BytesIO(written))
        assert np.array_equal(after.pixel_array, dcmread(BytesIO(data)).pixel_array)
        assert len(after.PixelData) == len(dcmread(BytesIO(data)).PixelData)
