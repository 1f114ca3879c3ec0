"""Wire `tessera deid`: any folder in, a de-identified folder out, no node."""

import os
import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tessera.adapters.files.deid_folder import BatchOutcome, DeidFolder
from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.adapters.vault.wrapping import write_secret
from tessera.bootstrap.writing import writing_to
from tessera.domain.deid.engine import PRIVATE
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.rules import ACTION_WORDS, RuleSet, compile_rules
from tessera.domain.errors import InvalidInput, InvalidSettings
from tessera.domain.imaging.encoding import text_of
from tessera.ports.executor import Executor
from tessera.ports.ledger import SourceFile

_BATCH = 24
_workers: dict[str, DeidFolder] = {}


def read_key(path: Path | None) -> tuple[bytes, bool]:
    """Return (key, is new): read from the file, made in it, or thrown away after this run."""
    if path is None:
        return secrets.token_bytes(32), True
    if not path.exists():
        key = secrets.token_bytes(32)
        write_secret(path, key)
        return key, True
    if path.stat().st_mode & 0o077:
        raise InvalidSettings(f"{path} can be read by others; chmod 600 {path}")
    try:
        return bytes.fromhex(path.read_text(encoding="ascii")), False
    except ValueError as err:
        raise InvalidSettings(f"{path} holds no key: 64 hexadecimal digits are wanted") from err


def rules_of(profile: str) -> RuleSet:
    """Compile a profile by name or path. Raises InvalidSettings."""
    return compile_rules(load_profile(profile), rule_texts())


def deidentify_folder(
    sources: Sequence[SourceFile],
    out: Path,
    *,
    profile: str,
    key: bytes,
    issuers: Sequence[str],
    workers: int | None,
) -> Iterator[BatchOutcome]:
    """Yield the outcomes of all sources, batch by batch. Raises InvalidInput, InvalidSettings."""
    if any(Path(source.path).is_relative_to(out.absolute()) for source in sources):
        raise InvalidInput(f"{out} holds files to be read; name a folder outside them")
    with writing_to(out):
        yield from _deidentified(sources, out, profile, key, issuers, workers)


def _deidentified(
    sources: Sequence[SourceFile],
    out: Path,
    profile: str,
    key: bytes,
    issuers: Sequence[str],
    workers: int | None,
) -> Iterator[BatchOutcome]:
    out.mkdir(parents=True, exist_ok=True)
    n = workers or os.cpu_count() or 1
    arguments = (profile, key, tuple(issuers), out.absolute())
    executor: Executor
    if n > 1 and len(sources) > _BATCH:
        executor = ProcessPool(n, _start, arguments)
    else:
        _start(*arguments)
        executor = InProcess()
    left = iter(sources)
    batches = iter(lambda: tuple(islice(left, _BATCH)), ())
    try:
        yield from executor.map_unordered(_work, batches)
    finally:
        executor.close()


def _start(profile: str, key: bytes, issuers: tuple[str, ...], out: Path) -> None:
    texts = rule_texts()
    rules = compile_rules(load_profile(profile), texts)
    pseudonymiser = Pseudonymiser(
        key, home_issuers=frozenset(issuers), max_shift_days=rules.profile.max_shift_days
    )
    gate = Deidentifier(rules, pseudonymiser, read_storage_classes(texts.storage_classes))
    _workers["here"] = DeidFolder(gate, out)


def _work(sources: Sequence[SourceFile]) -> BatchOutcome:
    return _workers["here"](sources)


def described_changes(changes: dict[tuple[int, int], int]) -> list[dict[str, object]]:
    """Return the counted changes with names and words, most frequent first."""
    from pydicom.datadict import keyword_for_tag

    return [
        {
            "element": "private" if tag == PRIVATE else text_of(tag),
            "keyword": "" if tag == PRIVATE else keyword_for_tag(tag),
            "action": ACTION_WORDS[action],
            "elements": n,
        }
        for (tag, action), n in sorted(changes.items(), key=lambda item: (-item[1], item[0]))
    ]
