"""A clinical table of a million rows, mapped and stored; and the same by a plain loop.

Run: python bench/clinical.py [--rows 1000000]

Ours: `tessera clinical apply` as a process (reading, conversion, cross-checks, pseudonyms, shifted
dates, the gate, provenance of each cell, SQLite with full sync). Peer: one Python process with
csv.DictReader that converts the same cells with plain code and writes rows into SQLite: no checks,
no pseudonyms, no provenance. Prints seconds, rows a second, the most memory of all processes at
once, and the ratio.
"""

import argparse
import csv
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

TESSERA = Path(sys.executable).with_name("tessera")
MAPPING = """
[mapping]
name = "bench"
version = "1"
language = "sv"
[source]
delimiter = ";"
decimal = ","
dates = ["YYYY-MM-DD", "YYYYMMDD"]
missing = ["-"]
[source.patient_id]
column = "id"
[columns]
sex = { column = "sex", values = { Kvinna = "female", Man = "male" } }
birth_date.column = "born"
cancer = { column = "diagnosis", values = { Prostatacancer = "prostate", Lungcancer = "lung" } }
topography.column = "topography"
morphology.column = "morphology"
diagnosis_date.column = "diagnosed"
stage.column = "stage"
tnm.column = "tnm"
psa_ng_ml = { column = "psa", unit_column = "unit" }
"marker.cea" = { column = "cea", unit = "ng/mL" }
first_treatment = { column = "treatment", values = { Operation = "surgery", RT = "radiotherapy" } }
treatment_date.column = "treated"
last_contact_date.column = "seen"
deceased = { column = "status", values = { Avliden = true, Levande = false } }
"""
HEADER = (
    "id sex born diagnosis topography morphology diagnosed stage tnm psa unit cea treatment treated"
    " seen status"
).split()


def write_table(path: Path, n_rows: int) -> None:
    """Write `n_rows` people of whom nobody exists."""
    rng = random.Random(7)
    start = date(2015, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, delimiter=";")
        out.writerow(HEADER)
        for number in range(n_rows):
            is_man = rng.random() < 0.6
            born = start - timedelta(days=rng.randrange(14_600, 30_000))
            found = start + timedelta(days=rng.randrange(3000))
            out.writerow(
                (
                    f"{born:%Y%m%d}-{number % 10000:04}{number // 10000:03}",
                    "Man" if is_man else "Kvinna",
                    born.isoformat(),
                    "Prostatacancer" if is_man else "Lungcancer",
                    "C61.9" if is_man else "C34.1",
                    "8140/3",
                    found.isoformat(),
                    rng.choice(("I", "II", "IIIA", "IV", "-")),
                    rng.choice(("cT2N0M0", "cT3aN1M0", "pT1cN0", "")),
                    f"{rng.uniform(0, 60):.1f}".replace(".", ",") if is_man else "",
                    "µg/L" if is_man else "",
                    f"{rng.uniform(0, 30):.1f}".replace(".", ","),
                    rng.choice(("Operation", "RT")),
                    f"{found + timedelta(days=rng.randrange(90)):%Y%m%d}",
                    (found + timedelta(days=rng.randrange(100, 900))).isoformat(),
                    rng.choice(("Levande", "Avliden")),
                )
            )


def plain_loop(table: Path, database: Path) -> int:
    """Convert the same cells with a loop that somebody writes in an afternoon."""
    sexes = {"Kvinna": "female", "Man": "male"}
    cancers = {"Prostatacancer": "prostate", "Lungcancer": "lung"}
    treatments = {"Operation": "surgery", "RT": "radiotherapy"}

    def day(text: str) -> str | None:
        for form in ("%Y-%m-%d", "%Y%m%d"):
            try:
                return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007
            except ValueError:
                continue
        return None

    def number(text: str) -> float | None:
        return float(text.replace(",", ".")) if text else None

    out = sqlite3.connect(database)
    out.execute(f"CREATE TABLE record ({', '.join(HEADER)})")
    n_rows = 0
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            n_rows += 1
            out.execute(
                f"INSERT INTO record VALUES ({', '.join('?' * len(HEADER))})",  # noqa: S608
                (
                    row["id"],
                    sexes.get(row["sex"]),
                    day(row["born"]),
                    cancers.get(row["diagnosis"]),
                    row["topography"],
                    row["morphology"],
                    day(row["diagnosed"]),
                    row["stage"] if row["stage"] != "-" else None,
                    row["tnm"] or None,
                    number(row["psa"]),
                    "ng/mL",
                    number(row["cea"]),
                    treatments.get(row["treatment"]),
                    day(row["treated"]),
                    day(row["seen"]),
                    row["status"] == "Avliden",
                ),
            )
    out.commit()
    out.close()
    return n_rows


class Watch:
    """The most memory that this process's descendants hold at once, MB of proportional size."""

    def __init__(self, pid: int) -> None:
        self.most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self.most

    def _look(self, root: int) -> None:
        while not self._over.wait(0.3):
            total = sum(_pss(pid) for pid in _family(root))
            self.most = max(self.most, total / 1024)


def _family(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0")
    return int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", default="0")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as scratch:
        folder = Path(scratch)
        table, home = folder / "table.csv", folder / "home"
        write_table(table, options.rows)
        (folder / "mapping.toml").write_text(MAPPING, "utf-8")
        subprocess.run(
            [TESSERA, "node", "init", home, "--name", "Bench", "--country", "SE", "--vault-key",
             folder / "key"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        print(f"{options.rows:,} rows, {len(HEADER)} columns, {table.stat().st_size / 1e6:.0f} MB")
        began = time.perf_counter()
        process = subprocess.Popen(
            [TESSERA, "clinical", "apply", home, table, "--mapping", folder / "mapping.toml",
             "--workers", options.workers, "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        watch = Watch(process.pid)
        told, _ = process.communicate()
        ours = time.perf_counter() - began
        memory = watch.stop()
        usage = os.times()
        cpu = usage.children_user + usage.children_system
        print(f"ours: {ours:.1f} s, {options.rows / ours:,.0f} rows/s, {memory:.0f} MB at most,")
        print(f"      {cpu:.1f} s CPU, exit {process.returncode}")
        print(" ".join(told.split()[:14]))
        began = time.perf_counter()
        plain_loop(table, folder / "plain.sqlite")
        peer = time.perf_counter() - began
        print(f"plain loop: {peer:.1f} s, {options.rows / peer:,.0f} rows/s")
        print(f"ratio of time, plain loop / ours: {peer / ours:.2f}")


if __name__ == "__main__":
    main()
