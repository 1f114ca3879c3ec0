"""Where an archive is, as the settings say it."""

from dataclasses import dataclass

from tessera.domain.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class PacsAddress:
    name: str
    title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "PacsAddress":
        """Read `TITLE@HOST:PORT` or `NAME=TITLE@HOST:PORT`. Raises InvalidSettings."""
        name, _, rest = text.rpartition("=")
        title, _, place = rest.partition("@")
        host, _, port = place.rpartition(":")
        host = host.strip("[]")
        if not (title and host and port.isdecimal() and len(title) <= 16 and int(port) < 65536):
            raise InvalidSettings(
                f"dicom_pacs: {text!r:.80} is not TITLE@HOST:PORT or NAME=TITLE@HOST:PORT"
            )
        return cls((name or title).strip(), title.strip(), host, int(port))
