"""Wire the audit log of a node or a hub, and its verification."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.audit.lines import LineFile
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.system_clock import SystemClock
from tessera.domain.audit.entry import Entry, Event
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.verify import Finding, Kind, Witness, judge, judge_kept
from tessera.domain.errors import InvalidInput, NotFound, TesseraError
from tessera.wire.keys import Keys, PublicKey

FORMAT = "tessera-audit-heads/1"
"""Of what `tessera audit heads` prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `tessera audit verify` found."""

    n_entries: int
    n_own_heads: int
    n_heads_against: int
    """Heads of this log that the other side keeps; 0 when nothing was given to look at."""
    n_kept_heads: int
    """Heads of other logs that this side keeps."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a home keeps the parts of its log."""

    folder: Path
    kept: Path
    key_file: Path
    is_hub: bool = False


def node_audit(home: Path) -> AuditFolder:
    """Open a node's audit log; it signs heads once the node has joined and so has a key."""
    return _opened(home, _node_place(home))


def hub_audit(home: Path) -> AuditFolder:
    return _opened(home, _hub_place(home))


def write_down(home: Path, event: Event) -> None:
    """Append one event to a node's audit log. Raises Conflict when the log is damaged."""
    node_audit(home).append(event, SystemClock().now())


def entries(home: Path, since: str = "") -> Iterator[Entry]:
    """Yield entries from `since`: an entry number, or a date or time in ISO 8601.

    Raises InvalidInput, NotFound, Conflict at an entry that cannot be read.
    """
    log = _opened(home, _place(home))
    if since.isdecimal() or not since:
        return log.entries(int(since or 0))
    try:
        begin = datetime.fromisoformat(since)
    except ValueError as err:
        raise InvalidInput(
            f"--since {since!r}: an entry number, or a date as 2026-11-22 (UTC)"
        ) from err
    if begin.tzinfo is None:
        begin = datetime.fromisoformat(f"{begin.isoformat()}+00:00")
    return (entry for entry in log.entries() if entry.at >= begin)


def heads(home: Path) -> dict[str, object]:
    """Return this side's signed heads, and those that it keeps of others, to give away.

    Hashes, sizes, times and signatures; nothing of what the entries say.
    """
    place = _place(home)
    keys = _own_keys(place)
    return {
        "format": FORMAT,
        "log": keys.current.fingerprint if keys else "",
        "public_key": keys.current.x if keys else "",
        "former_keys": [one.key.x for one in keys.former] if keys else [],
        "heads": _tokens(place.folder / "heads.jws"),
        "kept": _kept(place),
    }


def verify(home: Path, against: Path | None = None) -> Verified:
    """Judge the log of `home` by its own heads and by those that the other side keeps.

    `against`: the other side's home, or the file it made with `tessera audit heads`. Raises
    NotFound, InvalidInput.
    """
    place = _place(home)
    findings: list[Finding] = []
    key = _own_keys(place)
    # Read in this order: another process may append meanwhile, and a log is written first.
    theirs = _against(against, key, findings) if against is not None else []
    own = [Witness("this side", head) for head in _own_heads(place, key, findings)]
    stored = _content(place.folder / "tree.bin")
    *lines, torn = _content(place.folder / "log.jsonl").split(b"\n")
    n_entries, judged = judge(lines, torn, stored, [*own, *theirs])
    n_kept = 0
    for party, public in _keys(place, home).items():
        good, forked = _kept_of(place, party, public, findings)
        findings += judge_kept(party, good)
        findings += [
            Finding(
                Kind.FORKED,
                f"{party} showed at {head.at:%Y-%m-%d %H:%M:%S} UTC a head of {head.size} entries "
                "that does not go on from the one kept before: forked history",
            )
            for head in forked
        ]
        n_kept += len(good) + len(forked)
    return Verified(
        n_entries=n_entries,
        n_own_heads=len(own),
        n_heads_against=len(theirs),
        n_kept_heads=n_kept,
        findings=(*judged, *findings),
    )


def _opened(home: Path, place: _Place) -> AuditFolder:
    signer = KeyFolder(place.key_file) if place.key_file.exists() else None
    return AuditFolder(place.folder, kept=place.kept, signer=signer, verifier=Ed25519Verifier())


def _place(home: Path) -> _Place:
    if (home / "hub.toml").is_file():
        return _hub_place(home)
    if (home / "node.toml").is_file():
        return _node_place(home)
    raise NotFound(f"{home} is the home of neither a node nor a hub")


def _node_place(home: Path) -> _Place:
    link = home / "link"
    return _Place(folder=home / "audit", kept=link / "heads", key_file=link / "node.key")


def _hub_place(home: Path) -> _Place:
    audit = home / "audit"
    return _Place(folder=audit, kept=audit / "kept", key_file=home / "hub.key", is_hub=True)


def _own_keys(place: _Place) -> Keys | None:
    return KeyFolder(place.key_file).keys() if place.key_file.exists() else None


def _keys(place: _Place, home: Path) -> Mapping[str, Keys]:
    """Return the parties whose heads this side may keep, and their keys."""
    if not place.is_hub:
        from tessera.bootstrap.link import hub_pin

        pin = hub_pin(home)
        return {} if pin is None else {"hub": pin.keys}
    from tessera.adapters.sqlite_hub.store import SqliteHubStore

    store = SqliteHubStore(home / "hub.sqlite")
    try:
        return {node.node_id: node.keys for node in store.nodes.all()}
    finally:
        store.close()


def _own_heads(place: _Place, key: Keys | None, findings: list[Finding]) -> Iterable[TreeHead]:
    tokens = _tokens(place.folder / "heads.jws")
    if key is None:
        if tokens:
            said = "there are signed heads and no key: restore the key from a backup"
            findings.append(Finding(Kind.BAD_SIGNATURE, said))
        return []
    return _signed(tokens, key, "this side", findings)


def _kept_of(
    place: _Place, party: str, key: Keys, findings: list[Finding]
) -> tuple[list[TreeHead], list[TreeHead]]:
    good = _tokens(place.kept / f"{party}.jws")
    forked = _tokens(place.kept / f"{party}.forked.jws")
    return _signed(good, key, party, findings), _signed(forked, key, party, findings)


def _signed(
    tokens: Iterable[str], keys: Keys, whose: str, findings: list[Finding]
) -> list[TreeHead]:
    """Return the heads that one of `keys` has signed; the others become findings."""
    found = []
    for number, token in enumerate(tokens, start=1):
        claimed = _head(token, None)
        # Also a key that was revoked since: it was the party's when the head was kept.
        key = keys.known(claimed.log_id) if claimed else None
        head = _head(token, key) if key else None
        if head is None:
            said = f"head {number} of {whose}: the signature is not by the key of that log"
            findings.append(Finding(Kind.BAD_SIGNATURE, said))
        else:
            found.append(head)
    return found


def _head(token: str, key: PublicKey | None) -> TreeHead | None:
    """Return a head; without a key as it claims to be. None when it is not one."""
    verifier = Ed25519Verifier()
    try:
        payload = verifier.unverified(token) if key is None else verifier.verify(token, key)
        return TreeHead.decode(payload)
    except TesseraError:
        return None


def _against(path: Path, key: Keys | None, findings: list[Finding]) -> list[Witness]:
    """Return the heads of the log of `key` that the other side keeps."""
    exported = heads(path) if path.is_dir() else _exported(path)
    kept = exported.get("kept")
    keeper = f"{path.name}"
    witnesses = []
    for party, tokens in (kept if isinstance(kept, dict) else {}).items():
        claimed = [t for t in tokens if _is_of(t, key)]
        if key is not None:
            found = _signed(claimed, key, f"this log kept as {party}", findings)
            witnesses += [Witness(keeper, head) for head in found]
    if not witnesses:
        said = f"{path.name} keeps no head of this log: another hub or node, or another key"
        findings.append(Finding(Kind.NOT_KEPT, said))
    return witnesses


def _is_of(token: str, keys: Keys | None) -> bool:
    head = _head(token, None)
    return head is not None and keys is not None and keys.known(head.log_id) is not None


def _exported(path: Path) -> Mapping[str, object]:
    try:
        body = json.loads(path.read_bytes())
        if body["format"] != FORMAT:
            raise ValueError("format")
        for tokens in body["kept"].values():
            if not all(isinstance(token, str) for token in tokens):
                raise TypeError("token")
    except FileNotFoundError as err:
        raise NotFound(f"{path}: no such file or folder") from err
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as err:
        raise InvalidInput(
            f"{path}: not what `tessera audit heads HOME` prints; ask the other side for it again"
        ) from err
    return dict(body)


def _kept(place: _Place) -> dict[str, list[str]]:
    """Return the heads kept of each party, with those that speak against it."""
    kept: dict[str, list[str]] = {}
    for path in sorted(place.kept.glob("*.jws")):
        party = path.name.removesuffix(".jws").removesuffix(".forked")
        kept.setdefault(party, []).extend(_tokens(path))
    return kept


def _tokens(path: Path) -> list[str]:
    return [line.decode("ascii", "replace") for line in LineFile(path).lines()]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
