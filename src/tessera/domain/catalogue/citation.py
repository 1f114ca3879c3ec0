"""How a dataset is cited, in the words of DataCite and in the forms of reference managers. Pure.

The words are the same whatever language the reader has, so that two references to one dataset
agree: the English title, and for a version its number. Texts go out on one line, without control
and direction marks.

Sources: DataCite Metadata Schema 4.5, 1.3 (recommended citation); RIS format specifications
(Research Information Systems, 2011); Citation Style Language 1.0.2, CSL-JSON.
"""

from dataclasses import dataclass
from datetime import UTC, date
from typing import Final
from urllib.parse import quote

from tessera.domain.catalogue.bibtex import bibtex_entry
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.harvested import LONGEST_TEXT, cleaned
from tessera.domain.catalogue.notice import Notice

_SAFE: Final = ":/?#[]@!$&'()*+,;=%-._~"
"""Characters of an address that stay as they are. Source: RFC 3986, section 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What is said of one dataset, or of one version of it."""

    key: str
    """Names the reference in a list; lower-case letters, digits, hyphens and underscores."""
    creator: str
    """Who has made the dataset: the publisher that its description names."""
    issued: date
    """The day, in UTC, on which the version was frozen; of a dataset, its newest version."""
    title: str
    version: str
    """Empty for the dataset with all its versions."""
    publisher: str
    """Who holds the data and answers for it: the hospital of the node."""
    address: str
    """The persistent identifier: of the dataset, or of the version."""
    manifest_sha256: str
    """Names the version by content; empty for the dataset."""
    withdrawn: str = ""
    """When and why it was withdrawn, in a sentence; empty while it is published."""

    @property
    def shown_title(self) -> str:
        """The title; of what was withdrawn it says so in every style of reference."""
        return f"{self.title} [withdrawn]" if self.withdrawn else self.title

    @property
    def note(self) -> str:
        """What a reference says besides: content and withdrawal; may be empty."""
        content = f"Manifest SHA-256 {self.manifest_sha256}" if self.manifest_sha256 else ""
        return ". ".join(part for part in (content, self.withdrawn) if part)


def cited(
    entry: CatalogueEntry, hub_address: str, *, is_version: bool, notice: Notice | None = None
) -> Citation:
    """Return how an entry is cited: its version, or the dataset with all its versions.

    `hub_address`: the base of the hub's persistent identifiers. `notice`: of its withdrawal.
    """
    d, node_id = entry.description, entry.node.node_id
    address = f"{hub_address.rstrip('/')}/datasets/{node_id}/{d.dataset_id}"
    of_version = f"?version={d.version}" if is_version else ""
    return Citation(
        key=f"{node_id}_{d.dataset_id}" + (f"_v{d.version}" if is_version else ""),
        creator=_line(d.publisher.name),
        issued=d.created.astimezone(UTC).date(),
        title=_line(d.title["en"]),
        version=str(d.version) if is_version else "",
        publisher=_line(entry.node.name),
        address=quote(address + of_version, safe=_SAFE),
        manifest_sha256=d.manifest_sha256 if is_version else "",
        withdrawn=_line(f"Withdrawn on {notice.at.astimezone(UTC):%Y-%m-%d}: {notice.reason}")
        if notice
        else "",
    )


def plain(c: Citation) -> str:
    """Return one line: creator (year): title. Version. Publisher. Kind. Identifier."""
    parts = [c.shown_title, f"Version {c.version}" if c.version else "", c.publisher, "Dataset"]
    told = " ".join(_ended(part) for part in parts if part)
    return f"{c.creator} ({c.issued.year}): {told} {c.address}"


def bibtex(c: Citation) -> str:
    """Return a BibTeX entry. It is `@misc`: classic styles do not know `@dataset`."""
    fields = {
        "author": c.creator,
        "title": c.shown_title,
        "year": str(c.issued.year),
        "publisher": c.publisher,
        "version": c.version,
        "note": f"Dataset. {c.note}".strip(),
    }
    return bibtex_entry("misc", c.key, fields, c.address)


def ris(c: Citation) -> str:
    """Return a RIS record. Lines end with CR LF, as the format says."""
    lines = [
        ("TY", "DATA"),
        ("ID", c.key),
        ("AU", c.creator),
        ("TI", c.shown_title),
        ("PY", str(c.issued.year)),
        ("DA", f"{c.issued:%Y/%m/%d}/"),
        ("ET", c.version),
        ("PB", c.publisher),
        ("LA", "en"),
        ("UR", c.address),
        ("N1", c.note),
    ]
    told = "".join(f"{tag}  - {value}\r\n" for tag, value in lines if value)
    return f"{told}ER  - \r\n"


def csl(c: Citation) -> list[dict[str, object]]:
    """Return CSL-JSON: a list with the one item."""
    item: dict[str, object] = {
        "id": c.key,
        "type": "dataset",
        "author": [{"literal": c.creator}],
        "title": c.shown_title,
        "issued": {"date-parts": [[c.issued.year, c.issued.month, c.issued.day]]},
        "version": c.version,
        "publisher": c.publisher,
        "language": "en",
        "URL": c.address,
        "note": c.note,
        "status": "withdrawn" if c.withdrawn else "",
    }
    return [{name: value for name, value in item.items() if value}]


def _line(text: str) -> str:
    return cleaned(text, LONGEST_TEXT)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
