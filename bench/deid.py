"""De-identification, a folder in and a folder out: Tessera beside its peers.

Usage: python bench/deid.py [--corpus DIR] [--files 600] [--repeat 5] [--work DIR]

All tools get the same files, warm in the page cache, and take turns in one run; figures are
medians. Start-up is included. Peers run from .venv-bench (`make bench` installs it).
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus import write
from measure import Run, machine, median, timed

ROOT = Path(__file__).parents[1]
TESSERA = str(Path(sys.executable).parent / "tessera")
PEERS = ROOT / "bench/peers"
PEER_PYTHON = ROOT / ".venv-bench/bin/python"


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to get a folder de-identified."""

    name: str
    command: Callable[[Path, Path], list[str]]
    note: str
    prepare: Callable[[Path], list[str]] | None = None


def tools() -> list[Tool]:
    """Ours, the peers that are installed, and a plain copy as the limit."""
    peer = str(PEER_PYTHON)
    ours = [
        Tool(
            "tessera deid",
            lambda corpus, out: [TESSERA, "deid", str(corpus), str(out)],
            "PS3.15 with options, one process per core",
        ),
        Tool(
            "tessera deid --workers 1",
            lambda corpus, out: [TESSERA, "deid", str(corpus), str(out), "--workers", "1"],
            "the same, one process",
        ),
        Tool(
            "tessera node ingest",
            lambda corpus, out: [TESSERA, "node", "ingest", str(out / "home"), str(corpus)],
            "folder to research zone: ledger, index, files made durable",
            lambda out: [
                *(TESSERA, "node", "init", str(out / "home")),
                *("--name", "Bench", "--country", "SE"),
            ],
        ),
    ]
    peers = [
        Tool(
            "dicom-anonymizer 2.1.0",
            lambda corpus, out: [
                *(peer, str(PEERS / "dicom_anonymizer_loop.py"), str(corpus), str(out)),
            ],
            "PS3.15 Basic table, private elements dropped, one process",
        ),
        Tool(
            "dicognito 0.19.0",
            lambda corpus, out: [peer, "-m", "dicognito", "-q", "-o", str(out), str(corpus)],
            "consistent pseudonyms, UIDs and dates; text and private elements kept",
        ),
        Tool(
            "pydicom read, walk, save",
            lambda corpus, out: [peer, str(PEERS / "pydicom_loop.py"), str(corpus), str(out)],
            "about 20 attributes, private elements dropped, UIDs hashed",
        ),
    ]
    limit = Tool(
        "cp -r (the limit)",
        lambda corpus, out: ["cp", "-r", str(corpus), str(out / "copy")],
        "copies, changes nothing",
    )
    return [*ours, *(peers if PEER_PYTHON.exists() else []), limit]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="a folder of .dcm; default: a synthetic one")
    parser.add_argument("--files", type=int, default=600, help="size of the synthetic corpus")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--work", type=Path, help="where to write; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        corpus = arguments.corpus or Path(work) / "corpus"
        if not arguments.corpus:
            write(corpus, arguments.files, seed=1)
        print(report(corpus, Path(work) / "out", arguments.repeat))


def report(corpus: Path, out: Path, repeat: int) -> str:
    """Measure all tools in turn and return a Markdown table."""
    sizes = [len(path.read_bytes()) for path in sorted(corpus.rglob("*.dcm"))]
    n_files, megabytes = len(sizes), sum(sizes) / 1e6
    before = machine()
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools()}
    written: dict[str, int] = {}
    for _ in range(repeat):
        for tool in tools():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            if tool.prepare:
                timed(tool.prepare(out))
            runs[tool.name].append(timed(tool.command(corpus, out), (0, 3)))
            written[tool.name] = sum(1 for _ in out.rglob("*.dcm"))
    shutil.rmtree(out, ignore_errors=True)
    lines = [
        f"{n_files} files, {megabytes:.0f} MB, median of {repeat}; {before}.",
        "",
        "| tool | files/s | MB/s | CPU s per 1,000 files | peak MB | files out | CPU beside ours |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = median(runs["tessera deid"])
    for tool in tools():
        run = median(runs[tool.name])
        lines.append(
            f"| {tool.name} | {n_files / run.wall_s:.0f} | {megabytes / run.wall_s:.0f} "
            f"| {run.cpu_s * 1000 / n_files:.2f} | {run.peak_mb:.0f} | {written[tool.name]} "
            f"| {run.cpu_s / ours.cpu_s:.1f}x |"
        )
    lines += ["", *(f"- {tool.name}: {tool.note}." for tool in tools())]
    if not PEER_PYTHON.exists():
        lines.append("- Peers were not measured: .venv-bench is absent; `make bench` makes it.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
