"""The hub's own TLS: a certificate and its key, read again when they are renewed."""

import logging
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from tessera.domain.errors import InvalidSettings

_log = logging.getLogger(__name__)
LOOK_S: Final = 60
"""How often the running hub looks for a renewed certificate."""
_WARN: Final = timedelta(days=14)


@dataclass(slots=True)
class Tls:
    """Files in PEM: the certificate with those between it and its authority, and the private key.

    Raises InvalidSettings when they cannot be used.
    """

    certificate: Path
    key: Path
    context: ssl.SSLContext = field(init=False)
    _read: tuple[float, float] = field(init=False)
    _warned: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._read = self._changed()
        self._load()

    def as_factory(self, *_: object) -> ssl.SSLContext:
        return self.context

    def look(self) -> None:
        """Use renewed files for new connections. With files that are at fault the old one stays."""
        try:
            changed = self._changed()
            if changed != self._read:
                self._read = changed
                # Both are tried before the context that serves gets them.
                Tls(self.certificate, self.key)
                self._load()
                _log.info("the hub has a new certificate")
            self._warn()
        except InvalidSettings as err:
            _log.error("%s The certificate from before stays in use.", err)

    def _changed(self) -> tuple[float, float]:
        try:
            return self.certificate.stat().st_mtime, self.key.stat().st_mtime
        except OSError as err:
            raise InvalidSettings(f"{err.filename}: {err.strerror}.") from err

    def _load(self) -> None:
        try:
            # Without a callback, a locked key would make OpenSSL ask at the terminal.
            self.context.load_cert_chain(self.certificate, self.key, password=lambda: b"")
        except ssl.SSLError as err:
            raise InvalidSettings(
                f"{self.certificate} and {self.key} are not a certificate and its key in PEM, "
                f"the key without passphrase: {err.reason or err}."
            ) from err
        except OSError as err:
            raise InvalidSettings(f"{self.key}: {err.strerror}.") from err
        self._warned = None
        self._warn()

    def _warn(self) -> None:
        """Say once a day that the certificate ends soon."""
        now = datetime.now(UTC)
        until = x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc
        is_due = self._warned is None or now - self._warned > timedelta(days=1)
        if until - now < _WARN and is_due:
            self._warned = now
            _log.warning("%s ends on %s: renew it", self.certificate, f"{until:%Y-%m-%d}")
