"""The demonstration: made-up hospitals and a hub, as separate processes on this machine.

Each step is a command that a person could type, and is shown as such. A step that an
earlier run finished is not done again.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import httpx

from tessera.bootstrap.legal import add_document
from tessera.domain.errors import Conflict, Unavailable
from tessera.domain.tiers.legal import KINDS

_INCOMPLETE = 3
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Site:
    slug: str
    name: str
    country: str
    language: str
    seed: int


_PICTURES = 40
"""Held pictures that the demonstration reads; all of them would take minutes."""
SITES = (
    Site("linkoping", "Linköping", "SE", "sv", 11),
    Site("valencia", "València", "ES", "es", 22),
    Site("heraklion", "Heraklion", "GR", "el", 33),
)
MANY = Site("galway", "Galway", "IE", "en", 44)
"""Many patients with few and tiny images: somebody to count, also in small groups."""
DESCRIPTION = (
    "Imaging of patients with cancer and of screening controls, with diagnosis, stage, markers "
    "and treatment. Made up by a program for trying things out: no real person is in it."
)
PROVENANCE = "Made by `tessera phantom`; taken in, de-identified and checked by the node."
QUERIES = (
    "cancer = prostate and modality in (MR, PT) and age_at_diagnosis between 50 and 80",
    "cancer = breast",
    "modality = MR and modality = PT",
    "psa > 4 and stage in (II, III, IV)",
    "cancer = breast and her2 = positive",
)
STATISTICS = (
    ("survival", "cancer = breast", "--by", "stage"),
    ("similar", "in one condition (cancer = breast and stage in (I, II))"),
)


@dataclass(frozen=True)
class Demo:
    """Where the demonstration lives and how it tells what it does."""

    home: Path
    n_patients: int
    port: int
    say: Callable[[str], None]
    n_many: int = 0
    """Patients at the hospital MANY; 0: it does not take part."""

    @property
    def sites(self) -> tuple[Site, ...]:
        return (*SITES, MANY) if self.n_many else SITES

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub(self) -> Path:
        return self.home / "hub"

    def node(self, site: Site) -> Path:
        return self.home / "nodes" / site.slug

    def pacs(self, site: Site) -> Path:
        return self.home / "hospitals" / site.slug

    def _add_documents(self, node: Path) -> None:
        """Give a node the agreements and approvals that tier 1 asks for, made up as all is."""
        made_up = self.home / "made-up-document.txt"
        made_up.write_text("Made up for the demonstration of Tessera. It agrees to nothing.\n")
        for kind in KINDS:
            add_document(node, kind, made_up, date(2026, 1, 15), "Nobody")
        self.say(f"  {len(KINDS)} made-up agreements and approvals kept (tessera node legal add)")

    def prepare(self) -> None:
        """Make the hospitals' raw data and take it into their nodes."""
        self.home.mkdir(parents=True, exist_ok=True)
        for site in self.sites:
            self.say(f"\n— {site.name}: raw data as a PACS and a spreadsheet have it")
            pacs, node = self.pacs(site), self.node(site)
            if not (pacs / "truth.json").exists():
                self.run(
                    *("phantom", str(pacs), "--seed", str(site.seed), "--site", site.name),
                    *("--language", site.language, "--patients"),
                    *(
                        (str(self.n_many), "--scale", "tiny")
                        if site == MANY
                        else (str(self.n_patients),)
                    ),
                )
            if not (node / "node.toml").exists():
                facts = json.loads((pacs / "site.json").read_text(encoding="utf-8"))
                self.run(
                    *("node", "init", str(node), "--name", site.name, "--country", site.country),
                    *("--language", site.language, "--issuer", str(facts["issuer_of_patient_ids"])),
                    *("--vault-key", str(node.parent / "keys" / f"{site.slug}.key")),
                )
                self._add_documents(node)
            self.run("node", "ingest", str(node), str(pacs / "pacs"))
            if site == SITES[0] and find_spec("rapidocr"):
                self.run("node", "pixels", str(node), "--limit", str(_PICTURES))
            clinical = pacs / "clinical"
            tables = sorted(str(path) for path in clinical.glob("*.csv"))
            mapping = str(clinical / "mapping.toml")
            self.run("clinical", "apply", str(node), *tables, "--mapping", mapping)
            self.run(
                *("node", "dataset", "create", str(node), "--id", "cancer-imaging"),
                *(
                    "--title",
                    f"Cancer imaging, {site.name}",
                    "--title-sv",
                    f"Cancerbilder, {site.name}",
                ),
                *("--contact-email", f"data@{site.slug}.example", "--keyword", "cancer imaging"),
                *("--description", DESCRIPTION, "--provenance", PROVENANCE),
            )
        if not (self.hub / "hub.sqlite").exists():
            self.say("\n— the hub")
            self.run("hub", "init", str(self.hub), "--name", "Tessera demo hub", "--url", self.url)

    def join(self) -> None:
        """Let each node join the running hub and publish."""
        for site in self.sites:
            node = self.node(site)
            if not (node / "link" / "hub.json").exists():
                code = self.run("hub", "invite", str(self.hub), quiet=True).strip().split()[-1]
                self.run("node", "join", str(node), self.url, code)
            self._approve(site)
            self.run("node", "dataset", "publish", str(node), "cancer-imaging")

    def _approve(self, site: Site) -> None:
        nodes = json.loads(self.run("hub", "nodes", str(self.hub), "--json", quiet=True))
        for one in nodes:
            if one["name"] == site.name and one["state"] == "pending":
                self.run("hub", "approve", str(self.hub), one["node_id"])

    def search(self) -> None:
        """Ask the demonstration's questions."""
        for query in QUERIES:
            self.say("")
            self.run("search", query, "--hub", self.url)
        for words in STATISTICS if self.n_many else ():
            self.say("")
            self.run("stats", *words, "--hub", self.url)

    def run(
        self,
        *arguments: str,
        quiet: bool = False,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        who: str = "",
    ) -> str:
        """Run one command of this program and show it; return what it printed.

        `who` is shown before it. Exit code 3 (some input was held or refused) is what real
        data gives.
        """
        if not quiet:
            self.say(f"{who}$ tessera " + " ".join(shown(a) for a in arguments))
        done = subprocess.run(
            _command(arguments),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            input=stdin,
            env={**os.environ, **(environment or {})},
        )
        if not quiet and done.stdout:
            self.say(done.stdout.rstrip())
        if done.returncode not in (0, _INCOMPLETE):
            raise Conflict(
                f"`tessera {arguments[0]} {arguments[1]} …` ended with {done.returncode}"
            )
        return done.stdout


class Servers:
    """The hub and the nodes as processes; stopped when the block ends."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_hub(self) -> None:
        """Start the hub and wait until it answers. Raises Unavailable."""
        demo = self._demo
        demo.say(f"$ tessera hub run {shown(str(demo.hub))} --port {demo.port} &")
        self._start("hub", "run", str(demo.hub), "--port", str(demo.port))
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                if httpx.get(f"{demo.url}/api/v1/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            if self._running[-1].poll() is not None:
                break
            time.sleep(0.2)
        raise Unavailable(
            f"the hub did not start; is port {demo.port} taken? "
            f"Its log is {demo.home / 'logs'}; choose another with --port"
        )

    def start_nodes(self) -> None:
        """Start the nodes and wait until the hub has heard from each. Raises Unavailable."""
        demo = self._demo
        for site in demo.sites:
            demo.say(f"$ tessera node run {shown(str(demo.node(site)))} &")
            self._start("node", "run", str(demo.node(site)))
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            health = httpx.get(f"{demo.url}/api/v1/health", timeout=5).json()
            if health["n_nodes_online"] >= len(demo.sites):
                return
            time.sleep(0.3)
        raise Unavailable(f"not every node reached the hub; their logs are in {demo.home / 'logs'}")

    def wait(self) -> None:
        """Wait until one of the processes ends or the person stops it."""
        while all(process.poll() is None for process in self._running):
            time.sleep(0.5)

    def _start(self, *arguments: str) -> None:
        logs = self._demo.home / "logs"
        logs.mkdir(exist_ok=True)
        name = f"{arguments[0]}-{Path(arguments[2]).name}.log"
        with (logs / name).open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    _command(arguments), stdout=log, stderr=log, start_new_session=True
                )
            )


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", "from tessera.cli import main; main()", *arguments]


def shown(word: str | Path) -> str:
    """Return a word of a command as a person would type it; a path from here, where shorter."""
    text = str(word)
    if text.startswith("/"):
        text = min(text, os.path.relpath(text), key=len)
    return f"'{text}'" if any(c in " ()><=|&'" for c in text) else text
