"""Entry `run`: signal-to-noise of each series; told of groups of subjects only.

Reads /data. Writes /out/snr.json, /out/snr.csv and /out/snr.svg.
"""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from tessera.toolbox.signal_to_noise import groups, measure
    from tessera.toolbox.signal_to_noise.bars import Bar, bar_chart
else:
    import groups
    import measure
    from bars import Bar, bar_chart

_COLUMNS = ("sequence", "manufacturer", "n_subjects", "mean", "sd", "low", "high")


class BadArguments(Exception):
    """The arguments are wrong; the message names the key."""


@dataclass(frozen=True)
class Arguments:
    """What a researcher can set."""

    modality: str = "MR"
    slices: int = 5
    """At most, of each series."""


@dataclass
class Subject:
    """What was measured of one subject in one sequence."""

    ratios: list[float]
    manufacturers: set[str]


def main() -> int:
    asked = arguments(json.loads(os.environ.get("TESSERA_ARGUMENTS") or "{}"))
    minimum = max(1, int(os.environ.get("TESSERA_MINIMUM") or 10))
    data = Path(os.environ.get("TESSERA_DATA", "/data"))
    out = Path(os.environ.get("TESSERA_OUT", "/out"))
    sequences, silent = measured(data, asked)
    rows = [row for name in sorted(sequences) for row in told(name, sequences[name], minimum)]
    report = {
        "modality": asked.modality,
        "smallest_group": minimum,
        "counts": f"subjects, rounded down to a multiple of {minimum}",
        "intervals": "95 % of the mean over subjects (normal)",
        "n_subjects_without_noise": groups.told_count(len(silent), minimum),
        "groups": rows,
    }
    (out / "snr.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = io.StringIO()
    writer = csv.DictWriter(table, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (out / "snr.csv").write_text(table.getvalue(), encoding="utf-8")
    bars = [
        Bar(f"{r['sequence']}, {r['manufacturer']}", r["mean"], r["low"], r["high"]) for r in rows
    ]
    title = f"Signal-to-noise ratio of {asked.modality}, groups of at least {minimum} subjects"
    (out / "snr.svg").write_text(bar_chart(bars, title), encoding="utf-8")
    return 0


def arguments(raw: Any) -> Arguments:
    """Check the arguments. Raises BadArguments."""
    known = {"modality": str, "slices": int}
    if not isinstance(raw, dict) or (raw.keys() - known.keys()):
        raise BadArguments(f"arguments: expected {', '.join(known)}")
    for key, value in raw.items():
        if type(value) is not known[key]:
            raise BadArguments(f"{key}: expected {known[key].__name__}")
    found = Arguments(**raw)
    if found.modality not in ("MR", "CT", "PT") or not 1 <= found.slices <= 50:
        raise BadArguments("modality: MR, CT or PT; slices: 1 to 50")
    return found


def measured(data: Path, asked: Arguments) -> tuple[dict[str, dict[str, Subject]], set[str]]:
    """Return sequence → subject → ratios, and the subjects with a series that has no noise.

    A series that cannot be read is told on stderr and left out.
    """
    sequences: dict[str, dict[str, Subject]] = {}
    silent: set[str] = set()
    for subject, paths in series_of(data, asked.modality):
        try:
            found = measure.measure(paths, asked.modality, asked.slices)
        except Exception as err:  # decoders raise many kinds for one cause
            sys.stderr.write(f"series of {paths[0].name} left out: {type(err).__name__}\n")
            continue
        if found is None:
            continue
        if found.snr is None:
            silent.add(subject)
            continue
        here = sequences.setdefault(found.sequence, {}).setdefault(subject, Subject([], set()))
        here.ratios.append(found.snr)
        here.manufacturers.add(found.manufacturer)
    return sequences, silent


def series_of(data: Path, modality: str) -> Iterator[tuple[str, list[Path]]]:
    """Yield the subject and the files of each series of the modality, in their order."""
    for dataset in sorted({*data.glob("*"), *data.glob("*/v*")}):
        tables = dataset / "tables" if (dataset / "tables").is_dir() else dataset
        if not (tables / "series.parquet").is_file():
            continue
        subjects = {
            row["series_uid"]: str(row["subject"])
            for row in _rows(tables / "series.parquet")
            if row["modality"] == modality
        }
        places: dict[str, list[tuple[int, str]]] = {}
        for row in _rows(tables / "instance.parquet"):
            if row["series_uid"] in subjects:
                order = (row["instance_number"] or 0, row["path"])
                places.setdefault(row["series_uid"], []).append(order)
        for uid in sorted(places):
            paths = [dataset / "instances" / place for _, place in sorted(places[uid])]
            yield subjects[uid], paths


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return rows


def told(sequence: str, subjects: dict[str, Subject], minimum: int) -> list[dict[str, Any]]:
    """Return a row for all makers together, and one for each that is large enough."""
    mean = {name: float(np.mean(one.ratios)) for name, one in subjects.items()}
    maker = {
        name: next(iter(one.manufacturers)) if len(one.manufacturers) == 1 else "several"
        for name, one in subjects.items()
    }
    if len(subjects) < minimum:
        return []
    found = {"all": sorted(subjects)} | groups.told_groups(maker, minimum)
    return [_row(sequence, name, [mean[s] for s in who], minimum) for name, who in found.items()]


def _row(sequence: str, maker: str, values: list[float], minimum: int) -> dict[str, Any]:
    mean, n = float(np.mean(values)), len(values)
    spread = float(np.std(values, ddof=1)) if n > 1 else 0.0
    reach = 1.96 * spread / n**0.5
    return {
        "sequence": sequence,
        "manufacturer": maker,
        "n_subjects": groups.told_count(n, minimum),
        "mean": round(mean, 2),
        "sd": round(spread, 2),
        "low": round(mean - reach, 2),
        "high": round(mean + reach, 2),
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BadArguments as err:
        sys.exit(f"signal-to-noise: {err}")
