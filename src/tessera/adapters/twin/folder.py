"""A twin as a folder: manifest.json, tables/ and instances/, as a run sees it in /data/<id>."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tessera.adapters.parquet.table import write_table
from tessera.domain.catalogue.manifest import InstanceEntry, Manifest, TableEntry
from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import CORE, TABLES
from tessera.domain.errors import Conflict
from tessera.domain.ids import DatasetId, InstanceUid
from tessera.domain.twin.shape import Shape

Record = dict[str, Any]
_IMAGED: Final = ("CT", "MR", "PT")
_PROFILE: Final = "synthetic"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinWritten:
    folder: Path
    n_rows: dict[str, int]
    n_bytes: int


def write_twin(
    out: Path,
    tables: CdmTables,
    shape: Shape,
    *,
    seed: int,
    now: datetime,
    software: str,
    most_instances: int | None = None,
    on_series: Callable[[], None] = lambda: None,
) -> TwinWritten:
    """Write out/<dataset id>. `most_instances` of a series; 0 writes tables alone.

    Raises Conflict when the folder is there.
    """
    folder = out / shape.dataset_id
    if folder.exists():
        raise Conflict(f"{folder} is there already; name another folder")
    (folder / "tables").mkdir(parents=True)
    rows = {name: list(_records(table)) for name, table in tables.by_name.items()}
    instances = list(_write_images(folder, rows, seed, most_instances, on_series))
    _count(rows, instances)
    rows |= _segments(rows, instances) | {"instance": instances}
    entries = {}
    for table in TABLES:
        name, made = table.name, rows.get(table.name, [])
        if not made and table not in CORE:
            continue
        names = [column.name for column in table.columns]
        filled = tuple(tuple(row.get(column) for column in names) for row in made)
        path = folder / "tables" / f"{name}.parquet"
        write_table(path, TableRows(table, filled))
        entries[name] = TableEntry(sha256(path.read_bytes()).hexdigest(), len(filled))
    manifest = Manifest(
        dataset_id=DatasetId(shape.dataset_id),
        version=shape.version,
        created=now.replace(microsecond=0),
        tables=entries,
        instances=tuple(
            InstanceEntry(InstanceUid(r["instance_uid"]), r["sha256"], r["n_bytes"], r["path"])
            for r in instances
        ),
        deid_profile=_PROFILE,
        mappings=(),
        vocabulary="",
        where="",
        about={"twin_of": shape.manifest_sha256, "seed": seed, "policy": shape.policy},
        software=software,
    )
    (folder / "manifest.json").write_bytes(manifest.raw)
    return TwinWritten(
        folder=folder,
        n_rows={name: entry.n_rows for name, entry in entries.items()},
        n_bytes=sum(row["n_bytes"] for row in instances),
    )


def _records(table: TableRows) -> Iterator[Record]:
    names = [column.name for column in table.table.columns]
    return (dict(zip(names, row, strict=True)) for row in table.rows)


def _write_images(
    folder: Path,
    rows: dict[str, list[Record]],
    seed: int,
    most: int | None,
    on_series: Callable[[], None],
) -> Iterator[Record]:
    """Write the files, study by study, and yield their rows."""
    patients = {row["subject"]: row for row in rows["patient"]}
    studies = {row["study_uid"]: row for row in rows["study"]}
    of_series: dict[str, list[Record]] = defaultdict(list)
    for row in rows["instance"]:
        of_series[row["series_uid"]].append(row)
    by_study: dict[str, list[Record]] = defaultdict(list)
    for row in rows["series"]:
        by_study[row["study_uid"]].append(row)
    for uid, series in sorted(by_study.items()):
        study = studies[uid]
        sources: list[Any] = []
        for one in sorted(series, key=lambda row: (row["modality"] == "SEG", row["series_uid"])):
            wanted = sorted(of_series[one["series_uid"]], key=lambda row: row["instance_number"])
            made = _series(one, study, patients[study["subject"]], wanted[:most], sources, seed)
            for row, content in made:
                yield row | _write(folder, row, content)
            on_series()


def _series(
    series: Record,
    study: Record,
    patient: Record,
    wanted: list[Record],
    sources: list[Any],
    seed: int,
) -> Iterator[tuple[Record, bytes]]:
    from tessera.adapters.twin.images import encoded, image
    from tessera.adapters.twin.labels import segmentation

    if series["modality"] == "SEG":
        if sources and wanted:
            row = wanted[0]
            yield row, encoded(segmentation(sources, series, row["instance_uid"]))
        return
    made = []
    for place, row in enumerate(wanted):
        ds = image(series, study, patient, row, place, seed + place)
        made.append(ds)
        yield row, encoded(ds)
    if not sources and series["modality"] in _IMAGED:
        sources += made


def _segments(rows: dict[str, list[Record]], instances: list[Record]) -> dict[str, list[Record]]:
    """Return the rows that say of each SEG what `labels.segmentation` wrote."""
    series = {row["series_uid"]: row for row in rows["series"]}
    segs = [row for row in instances if series[row["series_uid"]]["modality"] == "SEG"]
    about = [
        {
            "instance_uid": row["instance_uid"],
            "series_uid": row["series_uid"],
            "subject": series[row["series_uid"]]["subject"],
            "n_segments": 1,
        }
        for row in segs
    ]
    segments = [
        {
            "segment_id": f"{one['instance_uid']}/1",
            "instance_uid": one["instance_uid"],
            "subject": one["subject"],
            "number": 1,
            "label": "Lesion",
            "algorithm_type": "MANUAL",
        }
        for one in about
    ]
    return {"segmentation": about, "segment": segments}


def _write(folder: Path, row: Record, content: bytes) -> Record:
    path = folder / row["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"n_bytes": len(content), "sha256": sha256(content).hexdigest()}


def _count(rows: dict[str, list[Record]], instances: list[Record]) -> None:
    """Set the numbers of series and studies to what was written."""
    n_of: dict[str, int] = defaultdict(int)
    n_bytes: dict[str, int] = defaultdict(int)
    for row in instances:
        n_of[row["series_uid"]] += 1
        n_bytes[row["series_uid"]] += row["n_bytes"]
    of_study: dict[str, int] = defaultdict(int)
    for row in rows["series"]:
        row |= {"n_instances": n_of[row["series_uid"]], "n_bytes": n_bytes[row["series_uid"]]}
        of_study[row["study_uid"]] += row["n_instances"]
    for row in rows["study"]:
        row["n_instances"] = of_study[row["study_uid"]]
