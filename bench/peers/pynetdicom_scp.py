"""The leanest receiver that pynetdicom allows: the data set's bytes, undecoded, to a file.

python pynetdicom_scp.py FOLDER PORT [fsync]
"""

import os
import sys
from pathlib import Path

from pydicom.filewriter import write_file_meta_info
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

folder, port, sync = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["fsync"]


def store(event: evt.Event) -> int:
    part = folder / f"{event.request.AffectedSOPInstanceUID}-{id(event)}.part"
    with part.open("wb") as file:
        file.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(file, event.file_meta)
        file.write(event.request.DataSet.getbuffer())
        if sync:
            file.flush()
            os.fdatasync(file.fileno())
    part.rename(part.with_suffix(".dcm"))
    return 0


entity = AE("TESSERA")
entity.maximum_pdu_size = 0
for context in AllStoragePresentationContexts:
    entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
entity.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)])
