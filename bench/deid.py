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
from time import perf_counter

from corpus import write
from measure import Run, machine, median, timed

ROOT = Path(__file__).parents[1]
TESSERA = str(Path(sys.executable).parent / "tessera")
PEERS = ROOT / "bench/peers"
GDCMANON = shutil.which("gdcmanon", path="/usr/bin:/usr/local/bin") or ""
"""The C++ program (Debian: libgdcm-tools), not the one of that name that a Python package has."""
CERTIFICATE = ("openssl req -x509 -newkey rsa:2048 -days 2 -nodes -subj /CN=bench").split()
PEER_PYTHON = ROOT / ".venv-bench/bin/python"


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to get a folder de-identified."""

    name: str
    command: Callable[[Path, Path], list[str]]
    note: str
    prepare: Callable[[Path], list[str]] | None = None


def _dumb() -> list[str]:
    """The options of gdcmanon's own mode: three attributes replaced, nineteen removed."""
    replaced = "10,10 10,20 8,50".split()
    removed = (
        "10,30 10,32 10,1000 10,1001 10,1040 10,2154 10,4000 10,21b0 8,80 8,81 8,90 8,1010 "
        "8,1040 8,1048 8,1050 8,1070 40,275 10,1002 8,96"
    ).split()
    return [
        *(word for tag in replaced for word in ("--replace", f"{tag}=X")),
        *(word for tag in removed for word in ("--remove", tag)),
    ]


def tools() -> list[Tool]:
    """Ours, the peers that are installed, and a plain copy as the limit."""
    peer = str(PEER_PYTHON)
    ours = [
        Tool(
            "tessera deid",
            lambda corpus, out: [TESSERA, "deid", str(corpus), str(out), "--no-pixels"],
            "PS3.15 with options, one process per core",
        ),
        Tool(
            "tessera deid --workers 1",
            lambda corpus, out: [
                *(TESSERA, "deid", str(corpus), str(out), "--no-pixels", "--workers", "1")
            ],
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
    if GDCMANON:
        peers += [
            Tool(
                "gdcmanon --dumb (C++)",
                lambda corpus, out: [
                    GDCMANON,
                    "--dumb",
                    "-r",
                    "--continue",
                    *_dumb(),
                    "-i",
                    str(corpus),
                    "-o",
                    str(out / "gdcm"),
                ],
                "22 attributes; no UIDs, no dates, private elements kept",
            ),
            Tool(
                "gdcmanon -e (C++)",
                lambda corpus, out: [
                    GDCMANON,
                    "-e",
                    "-r",
                    "--continue",
                    "-c",
                    str(out / "cert.pem"),
                    "-i",
                    str(corpus),
                    "-o",
                    str(out / "gdcm"),
                ],
                "PS3.15 Basic, originals encrypted in the file",
                lambda out: [
                    *CERTIFICATE,
                    "-keyout",
                    str(out / "key.pem"),
                    "-out",
                    str(out / "cert.pem"),
                ],
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
    single = out.parent / "single"
    single.mkdir(exist_ok=True)
    shutil.copy(min(corpus.rglob("*.dcm")), single / "one.dcm")
    starts: dict[str, list[Run]] = {tool.name: [] for tool in tools()}
    for _ in range(repeat):
        for tool in tools():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            if tool.prepare:
                timed(tool.prepare(out))
            starts[tool.name].append(timed(tool.command(single, out), (0, 3)))
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
        "| tool | files/s | MB/s | CPU s per 1,000 files | peak MB | files out | time beside ours "
        "| without start-up: ms a file | CPU ms a file | CPU beside ours |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    ours = median(runs["tessera deid"])
    each = {
        name: (
            1e3 * (median(runs[name]).wall_s - median(starts[name]).wall_s) / (n_files - 1),
            1e3 * (median(runs[name]).cpu_s - median(starts[name]).cpu_s) / (n_files - 1),
        )
        for name in runs
    }
    our_cpu = each["tessera deid --workers 1"][1]
    for tool in tools():
        run = median(runs[tool.name])
        lines.append(
            f"| {tool.name} | {n_files / run.wall_s:.0f} | {megabytes / run.wall_s:.0f} "
            f"| {run.cpu_s * 1000 / n_files:.2f} | {run.peak_mb:.0f} | {written[tool.name]} "
            f"| {run.wall_s / ours.wall_s:.2f}x | {each[tool.name][0]:.2f} "
            f"| {each[tool.name][1]:.2f} | {each[tool.name][1] / our_cpu:.1f}x |"
        )
    lines += ["", *(f"- {tool.name}: {tool.note}." for tool in tools())]
    lines += ["", *in_process(corpus, out)]
    if not PEER_PYTHON.exists():
        lines.append("- Peers were not measured: .venv-bench is absent; `make bench` makes it.")
    return "\n".join(lines)


def in_process(corpus: Path, out: Path, repeat: int = 5) -> list[str]:
    """Return lines on what one file costs without start-up: smallest of some repeats, averaged."""
    from tessera.adapters.files.deid_folder import DeidFolder
    from tessera.adapters.files.dicom_source import opened
    from tessera.adapters.files.rule_files import load_profile, rule_texts, vocabulary
    from tessera.adapters.files.take_in import deidentified
    from tessera.domain.deid.gate import Deidentifier
    from tessera.domain.deid.holding import read_storage_classes
    from tessera.domain.deid.pseudonyms import Pseudonymiser
    from tessera.domain.deid.rules import compile_rules
    from tessera.ports.ledger import SourceFile

    texts = rule_texts()
    rules = compile_rules(load_profile("research"), texts)
    classes = read_storage_classes(texts.storage_classes)
    paths = sorted(corpus.rglob("*.dcm"))
    best: dict[tuple[str, Path], float] = {}

    def kept(name: str, path: Path, seconds: float) -> None:
        best[name, path] = min(best.get((name, path), 9.0), seconds)

    for _ in range(repeat):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        gate = Deidentifier(rules, Pseudonymiser(bytes(32)), classes, vocabulary())
        worker = DeidFolder(gate, out)
        for number, path in enumerate(paths):
            one = SourceFile(path=str(path), size=0, modified_ns=0)
            began = perf_counter()
            with opened(path) as file:
                deidentified(file, gate)
            kept("header", path, perf_counter() - began)
            began = perf_counter()
            worker([one])
            kept("ours", path, perf_counter() - began)
            began = perf_counter()
            shutil.copyfile(path, out / f"{number}.dcm")
            kept("copy", path, perf_counter() - began)
    shutil.rmtree(out, ignore_errors=True)
    mean = {
        name: 1e3 * sum(best[name, path] for path in paths) / len(paths)
        for name in ("ours", "copy", "header")
    }
    return [
        f"In one process, without start-up: {mean['ours']:.3f} ms a file, a plain copy "
        f"{mean['copy']:.3f} ms: {mean['ours'] / mean['copy']:.2f} times. "
        f"The header alone, opening and reading the file included: {mean['header']:.3f} ms."
    ]


if __name__ == "__main__":
    main()
