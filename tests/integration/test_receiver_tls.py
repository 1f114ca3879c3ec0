"""The receiver over TLS, with and without client certificates."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tessera.domain.errors import InvalidSettings
from tests.deid_oracle import encoded
from tests.dicom_files import CT, ct_slice
from tests.receiver_trial import EXPLICIT, Peer, associated, eventually, receiving, request

VERIFICATION = "1.2.840.10008.1.1"


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """Make a certificate that signs itself; return the paths of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(cert_file), str(key_file)


def client(trusted: str, own: tuple[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trusted)
    if own:
        context.load_cert_chain(*own)
    return context


@contextmanager
def secured(port: int, context: ssl.SSLContext) -> Iterator[Peer]:
    """A peer that asks for an association as soon as it has shaken hands."""
    with Peer(port) as peer:
        peer.sock = context.wrap_socket(peer.sock, server_hostname="127.0.0.1")
        peer.sock.sendall(request([(CT, EXPLICIT)]))
        yield peer


@pytest.mark.parametrize("sync", ["none", "group"])
def test_pynetdicom_sends_over_tls(tmp_path: Path, sync: str) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    cert, key = certificate(tmp_path, "node")
    with receiving(tmp_path, certificate=cert, key=key, sync=sync) as receiver:
        entity = pynetdicom.AE("PACS1")
        entity.add_requested_context(CT, EXPLICIT)
        association = entity.associate(
            "127.0.0.1", receiver.port, ae_title="TESSERA", tls_args=(client(cert), "127.0.0.1")
        )
        assert association.is_established
        for number in range(1, 6):
            ds = ct_slice(number, side=400)
            encoded(ds)
            assert association.send_c_store(ds).Status == 0
        association.release()
        assert len(receiver.files()) == 5


def test_a_message_that_came_with_the_handshake_is_read(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "node")
    with (
        receiving(tmp_path, certificate=cert, key=key) as receiver,
        secured(receiver.port, client(cert)) as peer,
    ):
        assert peer.pdu()[0] == 2
        assert [peer.store(number) for number in range(1, 4)] == [0, 0, 0]


def test_without_tls_or_without_a_certificate_nobody_gets_in(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "node")
    known, stranger = certificate(tmp_path, "pacs"), certificate(tmp_path, "stranger")
    with receiving(tmp_path, certificate=cert, key=key, clients=known[0]) as receiver:
        with Peer(receiver.port, request([(CT, EXPLICIT)])) as peer:
            assert peer.pdu()[0] in (0, 0x15)  # nothing, or an alert of TLS
        for own in (None, stranger):
            with suppress(OSError), secured(receiver.port, client(cert, own)) as peer:
                assert peer.pdu()[0] == 0
        with secured(receiver.port, client(cert, known)) as peer:
            assert peer.pdu()[0] == 2
            assert peer.store(1) == 0
        eventually(lambda: len(receiver.files()) == 1)


def test_files_that_are_none_are_said_before_anything_listens(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing.pem")
    with (
        pytest.raises(InvalidSettings, match="dicom_tls"),
        receiving(tmp_path, certificate=nothing),
    ):
        pass
    with pytest.raises(InvalidSettings, match="need"), receiving(tmp_path, key="x"):
        pass
    with receiving(tmp_path) as receiver, associated(receiver.port) as peer:
        assert peer.store(1) == 0
