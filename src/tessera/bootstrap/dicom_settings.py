"""What a node is told about DICOM connections: a part of HOME/node.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from tessera.bootstrap.store_settings import StoreSettings
from tessera.domain.errors import InvalidSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomSettings(StoreSettings):
    """Settings of the receiver and of what is fetched. Those of `NodeSettings` follow them."""

    dicom_port: int = 0
    """TCP port that receives; 0 is none."""
    dicom_address: str = ""
    """Address that is listened on; empty is every one."""
    dicom_ae_title: str = "TESSERA"
    """Our application entity title; who calls another is refused."""
    dicom_callers: tuple[str, ...] = ()
    """Who may send: TITLE, TITLE@ADDRESS or echo:TITLE."""
    dicom_sync: str = "group"
    """When success is answered: none, group or each."""
    dicom_processes: int = 0
    """Receiving processes; 0 is one for each core, four at the most."""
    dicom_associations: int = 32
    """At the same time."""
    dicom_free_mb: int = 1024
    """With less room on the disk than this, senders are told to send again later. Megabytes."""
    dicom_idle_seconds: int = 600
    """An association in which nothing is said for so long is ended."""
    dicom_pdu_seconds: int = 60
    """The longest that one protocol data unit may take."""
    dicom_keep: bool = False
    """Whether what was received is kept, identified, after it has been taken in."""
    dicom_tls_certificate: str = ""
    """PEM file; with it every connection is TLS."""
    dicom_tls_key: str = ""
    """PEM file of its key; empty: it is in the same file."""
    dicom_tls_clients: str = ""
    """PEM file of the authorities whose client certificates are required; empty: none are."""
    dicom_pacs: tuple[str, ...] = ()
    """Archives that may be asked: TITLE@HOST:PORT, or NAME=TITLE@HOST:PORT."""


DICOM_KEYS: Final = tuple(f.name for f in fields(DicomSettings) if f.name.startswith("dicom_"))
NUMBERS: Final = {
    "dicom_port": 0,
    "dicom_processes": 0,
    "dicom_associations": 1,
    "dicom_free_mb": 0,
    "dicom_idle_seconds": 1,
    "dicom_pdu_seconds": 1,
}
"""Setting that is a whole number → the least that it may be."""


def parsed(raw: Mapping[str, object]) -> dict[str, Any]:
    """Return the DICOM settings of a file, numbers aside. Raises InvalidSettings."""
    from tessera.adapters.dimse.options import SYNCS
    from tessera.wire.dimse.negotiation import Caller

    found: dict[str, Any] = {}
    for field in fields(DicomSettings):
        if field.name not in DICOM_KEYS or field.name in NUMBERS:
            continue
        value = raw.get(field.name, field.default)
        if isinstance(field.default, tuple):
            if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
                raise InvalidSettings(f'{field.name}: a list of texts, for example ["PACS1"]')
            value = tuple(value)
        elif not isinstance(value, type(field.default)):
            kind = "true or false" if isinstance(field.default, bool) else "a text"
            raise InvalidSettings(f"{field.name}: {kind}")
        found[field.name] = value
    if found["dicom_sync"] not in SYNCS:
        raise InvalidSettings(f"dicom_sync: one of {', '.join(SYNCS)}")
    title = found["dicom_ae_title"]
    if not 1 <= len(title) <= 16 or not title.isascii() or title != title.strip():
        raise InvalidSettings("dicom_ae_title: 1 to 16 characters")
    for caller in found["dicom_callers"]:
        Caller.parse(caller)
    if isinstance(port := raw.get("dicom_port", 0), int) and port > 65535:
        raise InvalidSettings("dicom_port: at most 65535")
    return found
