"""Wire exports of dataset versions in the formats of others, and imports of clinical records."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.exchange.grouped import (
    sorting,
    version_instances,
    version_results,
    version_subjects,
)
from tessera.adapters.exchange.readers import READERS, eucaim_images
from tessera.adapters.exchange.writers import WRITERS, VersionAbout, Written
from tessera.adapters.exchange.written import WrittenFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.datasets import SOFTWARE, clinical_store, dataset_store, version_of
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.writing import writing_to
from tessera.domain.audit.events import clinical_delivered, export_begun, export_finished
from tessera.domain.catalogue.manifest import Manifest
from tessera.domain.deid.exchanged import deidentify_exchanged
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.exchange.flat import MEASURED, RESULT
from tessera.domain.exchange.loss import loss_report
from tessera.domain.exchange.rows import SubjectRows
from tessera.domain.zones import Identified
from tessera.ports.clinical_store import Delivery

FORMATS = tuple(WRITERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export came to. Counts are exact and for the node's operator."""

    dataset_id: str
    version: int
    folder: Path
    manifest_sha256: str
    n_subjects: int
    n_left_out: int
    """Subjects that the format cannot hold; why is in LOSSES.txt."""
    n_opted_out: int
    n_instances: int
    n_uncoded: int
    """Values that the format's terminology has no code for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    n_subjects: int
    n_opted_out: int
    unread: dict[str, int]
    """Place in the source → values or rows that say nothing to the terminology."""
    refused: dict[str, int]
    """`table.column` → texts that the gate left out."""
    n_images: int
    """Instances beside the tables: `tessera node ingest` takes them."""


def export_version(
    home: Path,
    identifier: str,
    version: int | None,
    form: str,
    out: Path,
    *,
    link: bool = False,
    on_subject: Callable[[int], None] = lambda _n: None,
) -> Exported:
    """Write a frozen version into a new folder. Nobody who has opted out since is in it.

    Raises InvalidInput, NotFound, Conflict when the folder has anything in it.
    """
    if form not in WRITERS:
        raise InvalidInput(f"unknown format {form!r}; there are {', '.join(FORMATS)}")
    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, identifier, version)
    folder, manifest = store.folder(known, number), store.manifest(known, number)
    label = f"{known} v{number}"
    gone = _OptedOut(node, on_subject)
    with writing_to(out), WrittenFolder(out) as writer, sorting(node.research) as connection:
        write_down(node.home, export_begun(label, form))
        results = version_results(connection, folder, tuple(MEASURED), tuple(RESULT))
        about = _about(known, number, manifest, results if form == "flat" else {})
        made = WRITERS[form](writer, gone.left(version_subjects(connection, folder)), about)
        n_instances = 0
        if form == "eucaim":
            n_instances = _images(node, connection, folder, writer, gone.excluded, link=link)
        writer.text("LOSSES.txt", loss_report(form, dict(made.uncoded), made.n_left_out))
        digest = writer.manifest(_said(about, form, manifest, made))
    write_down(node.home, export_finished(label, form, digest))
    return Exported(
        dataset_id=known,
        version=number,
        folder=out,
        manifest_sha256=digest,
        n_subjects=made.n_subjects,
        n_left_out=made.n_left_out,
        n_opted_out=gone.n_gone,
        n_instances=n_instances,
        n_uncoded=sum(made.uncoded.values()),
    )


class _OptedOut:
    def __init__(self, node: Node, on_subject: Callable[[int], None]) -> None:
        self.excluded = {str(one) for one in exclusions_of(node.home).excluded()}
        self.n_gone = 0
        self._on_subject = on_subject

    def left(self, subjects: Iterator[SubjectRows]) -> Iterator[SubjectRows]:
        for number, one in enumerate(subjects, start=1):
            self._on_subject(number)
            if one.subject in self.excluded:
                self.n_gone += 1
            else:
                yield one


def _about(
    identifier: str,
    number: int,
    manifest: Manifest,
    results: dict[str, dict[str, list[str]]],
) -> VersionAbout:
    about = manifest.about
    return VersionAbout(
        dataset_id=identifier,
        version=number,
        title=str(about["title"]["en"]),
        description=_english(about.get("description")),
        publisher=_name(about.get("publisher")),
        created=manifest.created.date(),
        software=SOFTWARE,
        results=results,
    )


def _english(value: object) -> str:
    return str(value.get("en", "")) if isinstance(value, dict) else str(value or "")


def _name(value: object) -> str:
    return str(value.get("name", "")) if isinstance(value, dict) else str(value or "")


def _said(about: VersionAbout, form: str, manifest: Manifest, made: Written) -> dict[str, object]:
    return {
        "dataset_id": about.dataset_id,
        "version": about.version,
        "manifest_sha256": manifest.sha256,
        "format": form,
        "software": about.software,
        "exported": SystemClock().now().isoformat(),
        "subjects": made.n_subjects,
        "subjects_left_out": made.n_left_out,
        "uncoded_values": dict(sorted(made.uncoded.items())),
    }


def _images(
    node: Node,
    connection: object,
    folder: Path,
    writer: WrittenFolder,
    excluded: set[str],
    *,
    link: bool,
) -> int:
    """Write imaging_data and the list of its files; return the number of instances."""
    index = "imaging_data.csv"
    writer.table(index, ("path", "instance_uid", "sha256", "bytes"))
    last, number, n_instances = "", 0, 0
    for one in version_instances(connection, folder):
        if one.subject in excluded:
            continue
        number = number + 1 if one.series_uid == last else 1
        last = one.series_uid
        place = Path("imaging_data") / one.subject / one.study_uid / one.series_uid
        target = writer.root / place / f"instance_{number:03d}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        _take(node, one.path, target, link=link)
        relative = target.relative_to(writer.root).as_posix()
        writer.row(index, (relative, one.instance_uid, one.sha256, str(one.n_bytes)))
        n_instances += 1
    return n_instances


def _take(node: Node, place: str, target: Path, *, link: bool) -> None:
    source = node.store.path(place)
    if source.is_file():
        if link:
            os.link(source, target)
        else:
            shutil.copyfile(source, target)
        return
    try:
        with target.open("wb") as stream:
            for piece in node.store.stream(place):
                stream.write(piece)
    except FileNotFoundError as cause:
        raise NotFound("the store lacks an instance of this version; tessera node fsck") from cause


def import_records(
    home: Path,
    source: Path,
    form: str,
    *,
    issuer: str = "",
    on_subject: Callable[[int], None] = lambda _n: None,
) -> Imported:
    """Read clinical records from a folder in `form`; each replaces what was known of the person.

    Whatever identifies people there is treated as an identifier of a patient. All or nothing is
    stored. Raises InvalidInput, NotFound.
    """
    if form not in READERS:
        raise InvalidInput(f"unknown format {form!r}; there are {', '.join(READERS)}")
    if not source.exists():
        raise NotFound(f"{source}: no such folder")
    node = open_node(home)
    unread: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    spill = node.identified / "clinical"
    spill.mkdir(parents=True, exist_ok=True, mode=0o700)

    def counted() -> Iterator[Identified[SubjectRows]]:
        for number, rows in enumerate(READERS[form](source, spill, unread), start=1):
            on_subject(number)
            yield Identified(rows)

    gated = tuple(deidentify_exchanged(counted(), node.pseudonymiser(), issuer, refused))
    excluded = exclusions_of(node.home).excluded()
    records = tuple(one for one in gated if one.value.subject.subject not in excluded)
    label = f"import-{form}"
    now = SystemClock().now()
    delivery = Delivery(
        mapping_name=label, mapping_version="1", delivered_at=now, n_subjects=len(records)
    )
    clinical_store(node).replace(records, delivery)
    n_lost = refused["patient.subject"]
    write_down(node.home, clinical_delivered(label, len(gated) + n_lost, n_lost, len(records)))
    return Imported(
        n_subjects=len(records),
        n_opted_out=len(gated) - len(records),
        unread=dict(sorted((+unread).items())),
        refused=dict(sorted((+refused).items())),
        n_images=sum(1 for _ in eucaim_images(source)) if form == "eucaim" else 0,
    )
