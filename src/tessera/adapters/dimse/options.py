"""What a receiver is told; it crosses to its processes."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tessera.domain.errors import InvalidSettings
from tessera.wire.dimse.negotiation import Caller

SYNCS: Final = ("none", "group", "each")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverOptions:
    folder: Path
    """Where arrivals are written, one folder for each process. Identified zone."""
    book: Path
    """The database of arrivals."""
    title: str
    callers: tuple[Caller, ...]
    implementation_uid: str
    implementation_name: str
    address: str = ""
    """That is listened on; "" is every one."""
    port: int
    """0 is a free one."""
    processes: int = 1
    associations: int = 32
    """At the same time, over all processes."""
    sync: str = "group"
    """When success is answered: after the file is on the device (`group`: many files for one
    flush, `each`: one), or after it is with the operating system (`none`)."""
    free_bytes: int = 1 << 30
    """With less free room than this on the disk nothing is taken."""
    idle_s: float = 600.0
    pdu_s: float = 60.0
    """How long one PDU may take."""
    request_s: float = 30.0
    """How long a peer that has connected may take to ask for an association."""
    certificate: str = ""
    """PEM files; with a certificate every connection is TLS."""
    key: str = ""
    clients: str = ""
    """Of the authorities whose client certificates are required; "" asks for none."""


def tls_context(options: ReceiverOptions) -> ssl.SSLContext | None:
    """Return the server's side of TLS 1.2 or newer (BCP 195), None without a certificate.

    Raises InvalidSettings.
    """
    if not options.certificate:
        if options.key or options.clients:
            raise InvalidSettings("dicom_tls_key and dicom_tls_clients need dicom_tls_certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.certificate, options.key or None, password=_no_password)
        if options.clients:
            context.load_verify_locations(options.clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as err:
        raise InvalidSettings(
            f"the files of dicom_tls_… cannot be used: {err.strerror or type(err).__name__}; "
            "give PEM files that this account may read, with a key that no passphrase locks"
        ) from err
    return context


def _no_password() -> str:
    return ""
