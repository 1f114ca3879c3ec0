"""Entry `run`: how the subjects of each dataset are spread; told of groups only.

Reads /data. Writes /out/balance.json and /out/balance.svg. Takes no arguments.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from tessera.toolbox.dataset_balance import groups
    from tessera.toolbox.dataset_balance.bars import Bar, bar_chart
else:
    import groups
    from bars import Bar, bar_chart

_NOT_KNOWN = "not known"
_DECADES = tuple(f"{low}–{low + 9}" for low in range(0, 120, 10))
_STAGES = ("0", "I", "II", "III", "IV")


def main() -> int:
    if json.loads(os.environ.get("TESSERA_ARGUMENTS") or "{}"):
        sys.exit("dataset-balance: takes no arguments")
    minimum = max(1, int(os.environ.get("TESSERA_MINIMUM") or 10))
    data = Path(os.environ.get("TESSERA_DATA", "/data"))
    out = Path(os.environ.get("TESSERA_OUT", "/out"))
    found = {name: balance(folder, minimum) for name, folder in datasets(data).items()}
    report = {
        "smallest_group": minimum,
        "counts": f"subjects, rounded down to a multiple of {minimum}",
        "datasets": found,
    }
    (out / "balance.json").write_text(
        json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    bars = [
        Bar(f"{name[:16]}: {variable} {group}", float(count), 0, 0)
        for name, one in found.items()
        for variable, counts in one["variables"].items()
        for group, count in counts.items()
    ]
    title = f"Subjects by group, at least {minimum} in each"
    (out / "balance.svg").write_text(bar_chart(bars, title), encoding="utf-8")
    return 0


def datasets(data: Path) -> dict[str, Path]:
    """Return name → folder of its tables, of every dataset version below `data`."""
    found = {}
    for folder in sorted({*data.glob("*"), *data.glob("*/v*")}):
        tables = folder / "tables" if (folder / "tables").is_dir() else folder
        if (tables / "patient.parquet").is_file():
            found["/".join(folder.relative_to(data).parts)] = tables
    return found


def balance(tables: Path, minimum: int) -> dict[str, Any]:
    """Return counts by sex, age, stage and population, and mean and spread of age."""
    patients = {row["subject"]: row for row in _rows(tables / "patient.parquet")}
    ages: dict[str, float] = {}
    stages: dict[str, str] = {}
    for row in _rows(tables / "condition.parquet"):
        if row["age_at_diagnosis"] is not None:
            earlier = ages.get(row["subject"], row["age_at_diagnosis"])
            ages[row["subject"]] = min(earlier, row["age_at_diagnosis"])
        if row["stage"] is not None:
            stages[row["subject"]] = max(stages.get(row["subject"], ""), row["stage"], key=_rank)
    of = {
        "sex": {s: row["sex"] or _NOT_KNOWN for s, row in patients.items()},
        "age at diagnosis": {s: _decade(ages.get(s)) for s in patients},
        "stage": {s: stages.get(s, _NOT_KNOWN) for s in patients},
        "population": {s: row["population"] or _NOT_KNOWN for s, row in patients.items()},
    }
    variables = {
        name: {
            group: groups.told_count(len(who), minimum)
            for group, who in _groups(name, values, minimum).items()
        }
        for name, values in of.items()
    }
    known = [ages[s] for s in patients if s in ages]
    told = len(known) >= minimum
    return {
        "n_subjects": groups.told_count(len(patients), minimum),
        "age_mean": round(float(np.mean(known)), 1) if told else None,
        "age_sd": round(float(np.std(known, ddof=1)), 1) if told and len(known) > 1 else None,
        "variables": variables,
        "largest_share": {name: _largest(counts) for name, counts in variables.items()},
    }


def _groups(name: str, values: dict[str, str], minimum: int) -> dict[str, list[str]]:
    order = {"age at diagnosis": _DECADES, "stage": _STAGES}.get(name)
    if order is None:
        return dict(sorted(groups.told_groups(values, minimum).items()))
    found = groups.neighbours(values, order, minimum)
    unknown = [subject for subject, value in values.items() if value not in order]
    return found | ({_NOT_KNOWN: unknown} if len(unknown) >= minimum else {})


def _decade(age: float | None) -> str:
    if age is None:
        return _NOT_KNOWN
    return _DECADES[min(max(int(age // 10), 0), len(_DECADES) - 1)]


def _rank(stage: str) -> int:
    return _STAGES.index(stage) if stage in _STAGES else -1


def _largest(counts: dict[str, int]) -> float | None:
    """The share of the largest group among those told; 1 is one group only."""
    total = sum(counts.values())
    return round(max(counts.values()) / total, 2) if total else None


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return rows


if __name__ == "__main__":
    sys.exit(main())
