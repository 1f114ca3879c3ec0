"""Wire a simulated training: sites from nodes' homes or made up, the sandbox, what is written."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

from tessera.adapters.access_runs import FolderViews
from tessera.adapters.bare_process import BareProcess
from tessera.adapters.files.tool_folder import find_tool, write_tool
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.datasets import dataset_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import open_node
from tessera.bootstrap.runs import records_of, sandbox_of
from tessera.bootstrap.simulation_plot import metrics_svg
from tessera.bootstrap.stores import fetched_from
from tessera.domain.access.tool import ToolBundle
from tessera.domain.audit import events
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.ids import DatasetId, NodeId, dataset_id
from tessera.node.simulation import (
    Simulated,
    SimulatedSite,
    Simulation,
    SiteRound,
    simulate,
    tested_model,
)
from tessera.node.view import Views
from tessera.ports.sandbox import Sandbox
from tessera.wire.frames import arrays_to

_PLACES: Final = (
    ("linkoping", "Linköping", "SE", "sv"),
    ("valencia", "València", "ES", "es"),
    ("heraklion", "Heraklion", "GR", "el"),
    ("galway", "Galway", "IE", "en"),
    ("umea", "Umeå", "SE", "sv"),
    ("bilbao", "Bilbao", "ES", "es"),
)
MOST_PHANTOMS: Final = len(_PLACES)
_DATASET: Final = "cancer-imaging"
_INCOMPLETE: Final = 3
_PROGRAM: Final = "from tessera.cli import main; main()"
Say = Callable[[str], None]
OnRound = Callable[[int, Sequence[SiteRound]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """What somebody asks to be simulated."""

    tool: str
    """A folder, or the name of a built-in tool."""
    out: Path
    rounds: int
    data: tuple[str, ...] = ()
    """`HOME:DATASET` or `HOME:DATASET:VERSION` of nodes on this machine."""
    n_phantoms: int = 0
    n_patients: int = 40
    """Of each made-up site."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    seed: int = 1
    hold_out: str = ""
    """Name of the site that only tests."""
    has_sandbox: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    simulated: Simulated
    tested: Mapping[str, bytes]
    """What the held-out site said of the model, by file name."""
    held_out: str
    files: tuple[Path, ...]


def run_simulation(request: SimulationRequest, say: Say, on_round: OnRound) -> SimulationReport:
    """Simulate, and write model, metrics, picture and test into `request.out`.

    Raises InvalidInput, NotFound, Conflict, SimulationFailed, and Unavailable where this
    machine cannot contain a tool.
    """
    _check(request)
    sandbox = _sandbox(request)
    tool = find_tool(request.tool)
    request.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_until_end:
        sites = [
            open_until_end.enter_context(_site(text, tool, is_made_up=bool(request.n_phantoms)))
            for text in _homes(request, say)
        ]
        names = sorted(site.name for site in sites)
        if request.hold_out and request.hold_out not in names:
            raise InvalidInput(
                f"no site {request.hold_out!r} to hold out; there are {', '.join(names)}"
            )
        work = Path(open_until_end.enter_context(tempfile.TemporaryDirectory()))
        write_tool(tool, work / "tool")
        plan = Simulation(
            tool=tool,
            program=work / "tool",
            sandbox=sandbox,
            rounds=request.rounds,
            arguments=request.arguments,
            seed=request.seed,
        )
        training = [site for site in sites if site.name != request.hold_out]
        done = simulate(plan, training, on_round)
        content = arrays_to(done.weights)
        tested: Mapping[str, bytes] = {}
        for site in sites:
            if site.name == request.hold_out:
                (work / "inputs").mkdir()
                (work / "inputs" / "model.npz").write_bytes(content)
                tested = tested_model(plan, site, work / "inputs")
    files = _write(request.out, done, content, tested)
    return SimulationReport(
        simulated=done, tested=tested, held_out=request.hold_out, files=tuple(files)
    )


def _check(request: SimulationRequest) -> None:
    if bool(request.data) == bool(request.n_phantoms):
        raise InvalidInput("give --data for each site, or --phantom with their number; not both")
    if not 0 <= request.n_phantoms <= MOST_PHANTOMS:
        raise InvalidInput(f"--phantom: from 1 to {MOST_PHANTOMS} sites")
    if not 1 <= request.rounds <= 1000:
        raise InvalidInput("--rounds: from 1 to 1000")
    if not request.has_sandbox and not request.n_phantoms:
        raise InvalidInput("--no-sandbox is for made-up data (--phantom) and your own tool alone")


def _sandbox(request: SimulationRequest) -> Sandbox:
    if not request.has_sandbox:
        return BareProcess()
    sandbox = sandbox_of()
    sandbox.available()
    return sandbox


def _homes(request: SimulationRequest, say: Say) -> list[str]:
    if request.data:
        return list(request.data)
    return [
        f"{_phantom(request, place, number, say)}:{_DATASET}"
        for number, place in enumerate(_PLACES[: request.n_phantoms])
    ]


def _phantom(
    request: SimulationRequest, place: tuple[str, str, str, str], number: int, say: Say
) -> Path:
    """Make a site's home out of made-up patients, as a hospital would; what is there stays."""
    slug, name, country, language = place
    home = request.out / "sites" / f"{slug}-{request.n_patients}-{request.seed}"
    if (home / "research" / "datasets" / _DATASET / "v1" / "manifest.json").exists():
        return home
    raw = request.out / "sites" / f"{slug}.raw"
    say(f"{name}: {request.n_patients} made-up patients")
    seed = str(11 * (number + 1) + 1000 * (request.seed - 1))
    if not (raw / "truth.json").exists():
        _tessera(
            *("phantom", str(raw), "--patients", str(request.n_patients), "--seed", seed),
            *("--site", name, "--language", language),
        )
    if not (home / "node.toml").exists():
        facts = json.loads((raw / "site.json").read_text(encoding="utf-8"))
        _tessera(
            *("node", "init", str(home), "--name", name, "--country", country),
            *("--language", language, "--issuer", str(facts["issuer_of_patient_ids"])),
        )
    say(f"{name}: taken in, de-identified, linked")
    _tessera("node", "ingest", str(home), str(raw / "pacs"))
    tables = sorted(str(path) for path in (raw / "clinical").glob("*.csv"))
    mapping = str(raw / "clinical" / "mapping.toml")
    _tessera("clinical", "apply", str(home), *tables, "--mapping", mapping)
    _tessera(
        *("node", "dataset", "create", str(home), "--id", _DATASET),
        *("--title", f"Made up, {name}", "--contact-email", f"data@{slug}.example"),
    )
    shutil.rmtree(raw)
    return home


def _tessera(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ},
    )
    if done.returncode not in (0, _INCOMPLETE):
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Conflict(f"`tessera {' '.join(arguments[:2])} …` ended: {last}")


@contextmanager
def _site(text: str, tool: ToolBundle, *, is_made_up: bool) -> Iterator[SimulatedSite]:
    """Make the view of one dataset version, without who has opted out, for as long as needed."""
    home, name, version = _parsed(text)
    node = open_node(home)
    store = dataset_store(node)
    versions = store.versions(name)
    if not versions or (version and version not in versions):
        raise NotFound(f"{home} has no dataset {name}" + (f" version {version}" * bool(version)))
    version = version or versions[-1]
    views = Views(
        home=home,
        node_id=NodeId("simulation"),
        maker=FolderViews(node.research, fetched_from(home, node.settings)),
        store=store,
        exclusions=exclusions_of(home),
        records=records_of(home),
    )
    folder = home / "runs" / f"simulation-{uuid4()}"
    try:
        made = views.maker.make(
            folder,
            name,
            version,
            manifest_sha256=sha256(store.read(name, version, "manifest.json")).hexdigest(),
            excluded=views.exclusions.excluded(),
        )
        if not is_made_up:
            write_down(home, events.learning_simulated(name, version, tool.digest))
        known = views.known(folder.name, ((name, version),), node.settings.minimum_count)
        yield SimulatedSite(
            name=home.name.partition("-")[0] if is_made_up else home.name,
            data=folder,
            known=replace(known, n_subjects=len(made.subjects)),
        )
    finally:
        views.maker.remove(folder)


def _parsed(text: str) -> tuple[Path, DatasetId, int]:
    parts = text.split(":")
    version = 0
    if len(parts) > 2 and parts[-1].isdecimal():
        version = int(parts.pop())
    if len(parts) < 2 or not parts[-1]:
        raise InvalidInput(f"--data {text!r}: write HOME:DATASET or HOME:DATASET:VERSION")
    return Path(":".join(parts[:-1])).absolute(), dataset_id(parts[-1]), version


def _write(
    out: Path, done: Simulated, content: bytes, tested: Mapping[str, bytes]
) -> Iterator[Path]:
    metrics = {
        "by_round": [
            {
                "round": row.round,
                "site": row.site,
                "n_samples": row.n_samples,
                "metrics": dict(row.metrics),
            }
            for row in done.rounds
        ],
        "at_the_end": {site: dict(told) for site, told in done.finals.items()},
        "model_sha256": sha256(content).hexdigest(),
    }
    texts = {
        "model.npz": content,
        "metrics.json": json.dumps(metrics, indent=2).encode() + b"\n",
        "metrics.svg": metrics_svg(done.rounds).encode(),
        **{f"held-out/{name}": data for name, data in tested.items()},
    }
    for name, data in texts.items():
        path = out / name
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
        yield path
