"""Wire `tessera deid`: any folder in, a de-identified folder out, no node."""

import csv
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tessera.adapters.dask import DaskCluster
from tessera.adapters.files.deid_folder import BatchOutcome, DeidFolder
from tessera.adapters.files.rule_files import load_profile, names_finder, rule_texts, vocabulary
from tessera.adapters.files.walk import sources_under
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.bootstrap.writing import writing_to
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.rules import RuleSet, compile_rules
from tessera.domain.errors import InvalidInput, InvalidSettings
from tessera.node.batches import batches
from tessera.ports.executor import Executor
from tessera.ports.ledger import SourceFile

_BATCH = 24
_LARGEST_BATCH = 192
_TURNS = 4
"""Batches for each worker, at least: the last ones to work must not work long alone."""
_PIXEL_BATCH = 2
FACES = "clean-recognizable-visual-features"
_workers: dict[str, DeidFolder] = {}


def read_key(path: Path | None) -> tuple[bytes, bool]:
    """Return (key, is new): read from the file, made in it, or thrown away after this run."""
    if path is None:
        return secrets.token_bytes(32), True
    if not path.exists():
        from tessera.adapters.vault.wrapping import write_secret  # cryptography: large

        key = secrets.token_bytes(32)
        write_secret(path, key)
        return key, True
    if path.stat().st_mode & 0o077:
        raise InvalidSettings(f"{path} can be read by others; chmod 600 {path}")
    try:
        return bytes.fromhex(path.read_text(encoding="ascii")), False
    except ValueError as err:
        raise InvalidSettings(f"{path} holds no key: 64 hexadecimal digits are wanted") from err


@lru_cache(1)
def rules_of(profile: str, level: int = 0, *, deface: bool = False) -> RuleSet:
    """Compile a profile by name or path, once for a program. Raises InvalidSettings.

    `level`: how much less than the profile says is told of a patient who would stand out.
    `deface`: faces are taken out whether the profile says so or not.
    """
    found = load_profile(profile).at_level(level)
    return compile_rules(found.with_option(FACES) if deface else found, rule_texts())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidRun:
    """How a folder is de-identified. Holds the key: never shown."""

    profile: str
    key: bytes
    issuers: tuple[str, ...] = ()
    workers: int | None = None
    cluster: str = ""
    """Address of a Dask scheduler; empty for processes of this host."""
    with_mapping: bool = False
    probes: bool = False
    """One picture of each CT, MR, NM and PET series is read for text."""
    every_picture: bool = False
    """All of them are."""
    level: int = 0
    """How much less is told than the profile says: see `domain.deid.crowd.LEVELS`."""
    deface: bool = False
    """Faces are taken out of heads, whether the profile says so or not."""

    def __repr__(self) -> str:
        return f"DeidRun({self.profile!r})"


def deidentify_folder(
    sources: Sequence[SourceFile], out: Path, run: DeidRun, *, pixels: bool = False
) -> Iterator[BatchOutcome]:
    """Return the outcomes of all sources, batch by batch, as they come.

    The workers are made before it returns: call it before any thread is started. With
    `pixels`, the pixels are read and cleaned, too; else what can have text there is held.

    Raises InvalidInput, InvalidSettings, Unavailable.
    """
    if any(source.path.startswith(f"{out.absolute()}/") for source in sources):
        raise InvalidInput(f"{out} holds files to be read; name a folder outside them")
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
    n_workers = run.workers or os.cpu_count() or 1
    longest = min(_LARGEST_BATCH, len(sources) // (_TURNS * n_workers))
    shares = batches(sources, *((_PIXEL_BATCH,) * 2 if pixels else (_BATCH, longest)))
    return _outcomes(shares, out, _executor(len(sources), n_workers, out, run, pixels=pixels))


def _executor(n_sources: int, n: int, out: Path, run: DeidRun, *, pixels: bool) -> Executor:
    size = _PIXEL_BATCH if pixels else _BATCH
    arguments = (run, out.absolute(), pixels)
    if run.cluster:
        return DaskCluster(run.cluster, _start, arguments)
    if n > 1 and n_sources > size:
        return ProcessPool(n, _start, arguments, forked=not pixels)
    _start(*arguments)
    return InProcess()


def _outcomes(
    batches: Iterable[Sequence[SourceFile]], out: Path, executor: Executor
) -> Iterator[BatchOutcome]:
    with writing_to(out):
        try:
            yield from executor.map_unordered(_work, batches)
        finally:
            executor.close()


def gate_for(run: DeidRun) -> Deidentifier:
    """Return the one way from identified to de-identified, for one worker of a run."""
    rules = rules_of(run.profile, run.level, deface=run.deface)
    pseudonymiser = Pseudonymiser(
        run.key, home_issuers=frozenset(run.issuers), max_shift_days=rules.profile.max_shift_days
    )
    classes = read_storage_classes(rule_texts().storage_classes)
    return Deidentifier(
        rules,
        pseudonymiser,
        classes,
        vocabulary(),
        finder=names_finder(rules.profile),
        with_mapping=run.with_mapping,
    )


def _start(run: DeidRun, out: Path, pixels: bool) -> None:
    gate = gate_for(run)
    graphics = rules_of(run.profile, run.level, deface=run.deface).profile.has("clean-graphics")
    stage = probe = None
    if pixels:
        from tessera.bootstrap.pixel_stage import stage_for

        stage = stage_for(gate, {}, graphics=graphics)
    elif run.probes:
        from tessera.bootstrap.pixel_stage import probe_for

        probe = probe_for(gate, graphics=graphics, every=run.every_picture)
    _workers["here"] = DeidFolder(gate, out, stage, probe)


def _work(sources: Sequence[SourceFile]) -> BatchOutcome:
    return _workers["here"](sources)


def list_sources(paths: Iterable[Path]) -> list[SourceFile]:
    """Return all files and zip members under `paths`."""
    return list(sources_under(paths))


def reads_pixels(rules: RuleSet) -> bool:
    """Say whether the profile asks for clean pixels and a reader of text is installed."""
    return rules.profile.has("clean-pixel-data") and find_spec("rapidocr") is not None


def write_mapping(folder: Path, patients: Mapping[str, str], uids: Mapping[str, str]) -> None:
    """Write old → new as `patients.csv` and `uids.csv`, for the owner alone. Identified."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, pairs in (("patients.csv", patients), ("uids.csv", uids)):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(folder / name, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id_old", "id_new"))
            writer.writerows(sorted(pairs.items()))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: it names sources."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
