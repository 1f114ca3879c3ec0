"""The hub's own TLS: a renewed certificate is taken without a restart, and faults are named."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from tessera.bootstrap.hub_tls import Tls
from tessera.domain.errors import InvalidSettings
from tests.certificates import Authority
from tests.hub_trial import tessera


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "network")


def touched_later(*files: Path) -> None:
    """Give files a time of change that is not that of the former ones."""
    import os

    for file in files:
        later = file.stat().st_mtime + 10
        os.utime(file, (later, later))


def serials(tls: Tls, trusts: Path, between: Callable[[], None]) -> list[int]:
    """Return the serial numbers that a client sees before and after `between`."""

    async def seen() -> list[int]:
        async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=tls.context)
        port = server.sockets[0].getsockname()[1]

        async def serial() -> int:
            context = ssl.create_default_context(cafile=trusts)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            await reader.read()
            writer.close()
            await writer.wait_closed()
            return x509.load_der_x509_certificate(shown).serial_number

        async with server:
            first = await serial()
            between()
            return [first, await serial()]

    return asyncio.run(seen())


def test_a_renewed_certificate_is_taken_while_the_hub_runs(authority: Authority) -> None:
    tls = Tls(*authority.issue("hub"))

    def renew() -> None:
        touched_later(*authority.issue("hub"))
        tls.look()

    before, after = serials(tls, authority.file, renew)
    assert before != after


def test_files_that_do_not_fit_leave_the_certificate_from_before(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = authority.issue("hub")
    tls = Tls(certificate, key)

    def half_renew() -> None:
        kept = key.read_bytes()
        authority.issue("hub")
        key.write_bytes(kept)
        touched_later(certificate, key)
        tls.look()
        tls.look()

    before, after = serials(tls, authority.file, half_renew)
    assert before == after
    assert caplog.text.count("The certificate from before stays in use") == 1
    certificate.unlink()
    tls.look()
    assert str(certificate) in caplog.text


@pytest.mark.parametrize("fault", ["other key", "locked key", "no key", "no certificate", "text"])
def test_what_cannot_be_used_is_named(authority: Authority, tmp_path: Path, fault: str) -> None:
    certificate, key = authority.issue("hub")
    match fault:
        case "other key":
            _, key = authority.issue("other")
        case "locked key":
            certificate, key = authority.issue("hub", lock=BestAvailableEncryption(b"secret"))
        case "no key":
            key = tmp_path / "missing.key"
        case "no certificate":
            certificate = tmp_path / "missing.crt"
        case "text":
            certificate.write_text("no certificate")
    with pytest.raises(InvalidSettings) as refused:
        Tls(certificate, key)
    assert str(key) in str(refused.value) or str(certificate) in str(refused.value)


def test_a_certificate_that_ends_soon_is_told_once_a_day(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    Tls(*authority.issue("long"))
    assert not caplog.records
    tls = Tls(*authority.issue("short", valid=timedelta(days=3)))
    tls.look()
    assert [record.message for record in caplog.records] == [
        f"{tls.certificate} ends on {_end(tls.certificate)}: renew it"
    ]


def _end(certificate: Path) -> str:
    return (
        f"{x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc:%Y-%m-%d}"
    )


def test_certificate_and_key_belong_together(tmp_path: Path) -> None:
    tessera("hub", "init", tmp_path / "hub")
    said = tessera("hub", "run", tmp_path / "hub", "--tls-key", "hub.key", check=False)
    assert said.returncode == 2
    assert "belong together" in said.stderr
