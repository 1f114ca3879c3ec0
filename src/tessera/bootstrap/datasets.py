"""Wire dataset versions: the home's folders, stores, cohort engine and report writers."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tessera import __version__
from tessera.adapters.files.imaging_reader import read_imaging
from tessera.adapters.parquet import FolderDatasetStore
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.stores import clinical_of
from tessera.domain.audit.events import dataset_created
from tessera.domain.catalogue.about import DatasetAbout
from tessera.domain.catalogue.description import Agent, DatasetDescription
from tessera.domain.cohort.disclosure import with_conformance
from tessera.domain.cohort.exact import NotSupported
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.ids import DatasetId, dataset_id
from tessera.domain.zones import Released
from tessera.node.datasets import (
    DatasetWorkshop,
    NewVersion,
    VersionOutcome,
    released_description,
    require_nobody_opted_out,
)
from tessera.ports.clinical_store import ClinicalStore
from tessera.wire.description import description_to_json
from tessera.wire.description_limits import MAX_CHANGE_NOTE
from tessera.wire.text import is_plain

if TYPE_CHECKING:
    from tessera.domain.quality.report import QualityReport

SOFTWARE = f"tessera {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRequest:
    """What `tessera node dataset create` was asked.

    None means: as in the newest version, or else a default.
    """

    dataset_id: str | None = None
    title: str | None = None
    titles: Mapping[str, str] | None = None
    """Titles in other languages than English, by ISO 639-1."""
    description: str | None = None
    keywords: tuple[str, ...] | None = None
    publisher: str | None = None
    contact_email: str | None = None
    contact_url: str | None = None
    access_conditions: tuple[str, ...] | None = None
    data_use: tuple[str, ...] | None = None
    provenance: str | None = None
    legal_basis: str | None = None
    where: str = ""
    change_note: str = ""
    """What the version changes. It is the new version's own: no later one inherits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetListed:
    """One dataset of the node, for its operator."""

    dataset_id: DatasetId
    versions: tuple[int, ...]
    title: str
    created: str
    n_subjects: int
    """Exact; stays inside the node."""
    n_studies: int


def create_dataset(
    home: Path, request: DatasetRequest, on_step: Callable[[str], None] = lambda _step: None
) -> VersionOutcome:
    """Freeze the node's instances and clinical records as a version.

    Raises InvalidInput naming what is missing or wrong, Conflict when one is being made.
    """
    node = open_node(home)
    store = dataset_store(node)
    identifier = _identifier(request)
    about = _about(node, request, store, identifier)
    where = str(parse(request.where)) if request.where else ""
    workshop = DatasetWorkshop(
        index=node.index,
        clinical=clinical_store(node),
        store=store,
        exclusions=exclusions_of(node.home),
        policy=node.policy,
        documents=lambda released, report: _documents(home, node, released, report),
        select=_select,
        imaging=lambda rows: read_imaging(rows, node.store.path),
        on_step=on_step,
    )
    made = workshop.freeze(
        NewVersion(
            dataset_id=identifier,
            about=about,
            deid_profile=node.rules.label,
            software=SOFTWARE,
            now=SystemClock().now(),
            where=where,
            change_note=_change_note(request.change_note),
        )
    )
    if made.is_new:
        write_down(home, dataset_created(made.dataset_id, made.version, made.manifest_sha256))
    return made


def list_datasets(home: Path) -> tuple[DatasetListed, ...]:
    """Return the node's datasets with the numbers of the newest version."""
    store = dataset_store(open_node(home))
    listed = []
    for identifier in store.dataset_ids():
        versions = store.versions(identifier)
        manifest = store.manifest(identifier, versions[-1])
        listed.append(
            DatasetListed(
                dataset_id=identifier,
                versions=versions,
                title=str(manifest.about["title"]["en"]),
                created=manifest.created.isoformat(),
                n_subjects=manifest.tables["patient"].n_rows,
                n_studies=manifest.tables["study"].n_rows,
            )
        )
    return tuple(listed)


def release_dataset(
    home: Path, identifier: str, version: int | None = None
) -> Released[DatasetDescription]:
    """Return the description of a stored version through the disclosure gate. Raises NotFound."""
    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, identifier, version)
    return released_description(store, known, number, node.policy)


def show_dataset(home: Path, identifier: str, version: int | None = None) -> dict[str, object]:
    """Return a version's released description, exact numbers of rows, and where it lies."""
    store = dataset_store(open_node(home))
    known, number = version_of(store, identifier, version)
    manifest = store.manifest(known, number)
    return {
        "folder": str(store.folder(known, number)),
        "manifest_sha256": manifest.sha256,
        "versions": list(store.versions(known)),
        "where": manifest.where,
        "software": manifest.software,
        "mappings": [f"{name} {number}" for name, number in manifest.mappings],
        "rows_exact": {name: entry.n_rows for name, entry in manifest.tables.items()},
        "description": description_to_json(release_dataset(home, known, number).value),
    }


def publish(home: Path, identifier: str, version: int | None = None) -> DatasetDescription:
    """Send a version's description to the hub, with what the node found of the tiers, signed.

    Raises NotFound, Unavailable, Refused; Conflict when it holds somebody who opted out.
    """
    from tessera.bootstrap.link import publish_dataset
    from tessera.bootstrap.tiers import signed_for_publishing

    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, identifier, version)
    require_nobody_opted_out(store, known, number, exclusions_of(node.home))
    tier, token = signed_for_publishing(home, known, number)
    released = with_conformance(release_dataset(home, known, number), tier, token)
    publish_dataset(home, released)
    return released.value


def dataset_store(node: Node) -> FolderDatasetStore:
    return FolderDatasetStore(node.research / "datasets")


def clinical_store(node: Node) -> ClinicalStore:
    return clinical_of(node.home, node.settings)


def version_of(
    store: FolderDatasetStore, identifier: str, version: int | None
) -> tuple[DatasetId, int]:
    """Return a dataset's id and the version, by default the newest. Raises NotFound."""
    known = dataset_id(identifier)
    versions = store.versions(known)
    if not versions:
        have = ", ".join(store.dataset_ids()) or "none"
        raise NotFound(f"no dataset {identifier!r}; this node has: {have}")
    number = versions[-1] if version is None else version
    store.folder(known, number)
    return known, number


def _identifier(request: DatasetRequest) -> DatasetId:
    if request.dataset_id:
        return dataset_id(request.dataset_id)
    if not request.title:
        raise InvalidInput("give the dataset a title (--title) or name an existing one (--id)")
    return dataset_id(slug(request.title))


def _change_note(text: str) -> str:
    note = text.strip()
    if len(note) > MAX_CHANGE_NOTE or not is_plain(note):
        raise InvalidInput(
            f"the change note (--note) is at most {MAX_CHANGE_NOTE} characters of plain text"
        )
    return note


def slug(text: str) -> str:
    """Return `text` as a dataset id: ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


def _about(
    node: Node, request: DatasetRequest, store: FolderDatasetStore, identifier: DatasetId
) -> DatasetAbout:
    versions = store.versions(identifier)
    old = store.manifest(identifier, versions[-1]).about if versions else {}
    titles = {**old.get("title", {}), **(request.titles or {})}
    if request.title:
        titles["en"] = request.title
    holder = old.get("publisher", {"name": node.settings.name, "email": "", "url": ""})
    contact = old.get("contact", {"name": "", "email": "", "url": ""})
    name = request.publisher or holder["name"]
    words = {
        "en": request.description
        or old.get("description", {}).get("en")
        or f"{titles.get('en', '')}: de-identified images, held by {name}."
    }

    def either(new: tuple[str, ...] | None, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return new if new is not None else tuple(old.get(key, default))

    return DatasetAbout(
        title=titles,
        description=words,
        keywords=either(request.keywords, "keywords", ("cancer imaging",)),
        publisher=Agent(name, holder["email"], holder["url"]),
        contact=Agent(
            contact["name"] or name,
            request.contact_email or contact["email"],
            request.contact_url or contact["url"],
        ),
        country=node.settings.country,
        language=node.settings.language,
        access_conditions=either(
            request.access_conditions, "access_conditions", ("remote-processing",)
        ),
        data_use=either(request.data_use, "data_use", ()),
        provenance=request.provenance or old.get("provenance", ""),
        legal_basis=request.legal_basis or old.get("legal_basis", ""),
    )


def _select(folder: Path, where: str) -> frozenset[str]:
    from tessera.adapters.duckdb.cohort import DuckDbCohortEngine

    engine = DuckDbCohortEngine(folder)
    try:
        found = engine.matching(folder, parse(where))
    finally:
        engine.close()
    if isinstance(found, NotSupported):
        raise InvalidInput(
            f"--where names {', '.join(found.fields)}, for which this node has no values"
        )
    return found.subjects


def _documents(
    home: Path, node: Node, released: Released[DatasetDescription], report: "QualityReport"
) -> dict[str, bytes]:
    import json

    from tessera.adapters.rdf import dataset_graph, jsonld, turtle
    from tessera.adapters.report import render_html

    base_iri, node_id = addresses_of(home, node)
    description = released.value
    graph = dataset_graph(
        description, base_iri=base_iri, node_name=node.settings.name, node_id=node_id
    )
    body = json.dumps(description_to_json(description), ensure_ascii=False, indent=1)
    page = render_html(report, title=description.title["en"], language="en")
    return {
        "description.json": body.encode() + b"\n",
        "dcat.ttl": turtle(graph),
        "dcat.jsonld": jsonld(graph),
        "quality.json": report.to_json().encode(),
        "quality.html": page.encode(),
    }


def addresses_of(home: Path, node: Node) -> tuple[str, str]:
    """Return the hub's address and this node's id there.

    Before the node has joined there is neither; the address is then one that by RFC 2606
    never resolves. What the catalogue serves is built at the hub, under its own address.
    """
    from tessera.bootstrap.link import hub_pin

    pin = hub_pin(home)
    if pin is not None:
        return pin.hub_url, pin.node_id
    name = slug(node.settings.name) or "node"
    return f"https://{name}.invalid", name
