"""A tool that may run where the data is: a folder of Python files, named by its digest. Pure."""

import re
import tomllib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final

from tessera.domain.errors import InvalidInput

MANIFEST: Final = "tool.toml"
MAX_BYTES: Final = 1_000_000
"""Of all files together: code that a person can read, not data."""
MAX_FILES: Final = 100
_MAX_MANIFEST: Final = 32_000
"""Bytes; what a person can read."""
_MAX_DOTS: Final = 100
"""In one line: the time to read a key grows with the square of its parts."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}){0,5}")
_UNREADABLE: Final = (
    ".pyc",
    ".pyo",
    ".pyd",
    ".so",
    ".dll",
    ".dylib",
    ".pth",
    ".egg",
    ".whl",
    ".zip",
)
"""Endings of code that Python would run and that is no text."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,29}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidTool(InvalidInput):
    """A tool's folder or bundle is wrong; the message names the file and the mend."""

    code = "invalid-tool"
    public = "The tool is not valid."


class Entry(StrEnum):
    """How a tool is called."""

    RUN = "run"
    """Once over the permitted dataset versions; files in /out are its result."""
    LEARN = "learn"
    """For the rounds of a federated training, over frames."""
    CASE = "case"
    """On one study, with a released model; gives a segmentation."""


class OutputKind(StrEnum):
    """What an output file is. A permit names the kinds that may leave."""

    AGGREGATE = "aggregate"
    """Numbers over groups of subjects: JSON or CSV."""
    FIGURE = "figure"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run of a tool may use."""

    seconds: int = 600
    memory_mb: int = 2048
    processes: int = 64
    output_mb: int = 20


_MOST: Final = {"seconds": 86_400, "memory_mb": 65_536, "processes": 512, "output_mb": 500}


@dataclass(frozen=True, kw_only=True)
class ToolBundle:
    """All files of a tool, checked. `files` maps a relative path to its content."""

    files: Mapping[str, bytes]
    name: str
    version: str
    title: str
    entries: Mapping[Entry, str]
    """How it is called → the Python file."""
    outputs: Mapping[str, OutputKind]
    """Name of a file in /out → what it is. Nothing else can leave."""
    limits: Limits

    @cached_property
    def digest(self) -> str:
        """Return `sha256:` and the hash over every path and the hash of its content, sorted."""
        lines = "".join(
            f"{sha256(content).hexdigest()}  {path}\n"
            for path, content in sorted(self.files.items())
        )
        return f"sha256:{sha256(lines.encode()).hexdigest()}"

    def to_json(self) -> dict[str, object]:
        return {path: b64encode(content).decode() for path, content in sorted(self.files.items())}

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> "ToolBundle":
        """Read what `to_json` wrote. Raises InvalidTool."""
        files: dict[str, bytes] = {}
        for path, text in body.items():
            try:
                if not isinstance(text, str):
                    raise ValueError("not a text")
                files[path] = b64decode(text, validate=True)
            except (Base64Error, ValueError) as err:
                raise InvalidTool(f"{path[:80]!r}: expected base64") from err
        return tool_bundle(files)


def tool_digest(text: str) -> str:
    """Return a digest as tools are named by. Raises InvalidTool."""
    if not _DIGEST.fullmatch(text):
        raise InvalidTool(f"{text[:80]!r}: expected sha256: and 64 hexadecimal digits")
    return text


def tool_bundle(files: Mapping[str, bytes]) -> ToolBundle:
    """Check the files of a tool and read its tool.toml. Raises InvalidTool."""
    if MANIFEST not in files:
        raise InvalidTool(f"no {MANIFEST}; it names the tool, its entries and its outputs")
    if len(files) > MAX_FILES:
        raise InvalidTool(f"{len(files)} files; at most {MAX_FILES}")
    n_bytes = sum(map(len, files.values()))
    if n_bytes > MAX_BYTES:
        raise InvalidTool(f"{n_bytes} bytes; at most {MAX_BYTES}: data does not belong in a tool")
    for path in files:
        if not _PATH.fullmatch(path):
            raise InvalidTool(f"{path[:80]!r}: use letters, digits and . _ - in file names")
        if path.lower().endswith(_UNREADABLE) or "__pycache__" in path:
            raise InvalidTool(f"{path[:80]!r}: nobody can read what it does; leave it out")
    raw = _manifest(files[MANIFEST])
    known = {"name", "version", "title", "entries", "outputs", "limits"}
    if unknown := sorted(raw.keys() - known):
        raise InvalidTool(f"{MANIFEST}: unknown keys: {', '.join(unknown)[:300]}")
    return ToolBundle(
        files=dict(files),
        name=_text(raw, "name", _NAME),
        version=_text(raw, "version", _VERSION),
        title=_title(raw),
        entries=_entries(raw.get("entries"), files),
        outputs=_outputs(raw.get("outputs", {})),
        limits=_limits(raw.get("limits", {})),
    )


def _manifest(content: bytes) -> dict[str, object]:
    if len(content) > _MAX_MANIFEST:
        raise InvalidTool(f"{MANIFEST}: {len(content)} bytes; at most {_MAX_MANIFEST}")
    if any(line.count(b".") > _MAX_DOTS for line in content.splitlines()):
        raise InvalidTool(f"{MANIFEST}: more than {_MAX_DOTS} dots in one line")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as err:
        # Not only TOMLDecodeError: a number of a million digits is another error.
        raise InvalidTool(f"{MANIFEST}: {str(err)[:300]}") from err


def _text(raw: Mapping[str, object], key: str, form: re.Pattern[str]) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InvalidTool(f"{MANIFEST}: {key}: expected {form.pattern}")
    return value


def _title(raw: Mapping[str, object]) -> str:
    title = raw.get("title")
    if not isinstance(title, str) or not 1 <= len(title) <= 100 or not title.isprintable():
        raise InvalidTool(f"{MANIFEST}: title: 1 to 100 printable characters")
    return title


def _entries(raw: object, files: Mapping[str, bytes]) -> dict[Entry, str]:
    if not isinstance(raw, dict) or not raw:
        raise InvalidTool(f'{MANIFEST}: entries: expected a table such as run = "main.py"')
    entries = {}
    for key, path in raw.items():
        if key not in set(Entry):
            raise InvalidTool(f"{MANIFEST}: entries.{key[:80]}: expected {', '.join(Entry)}")
        if not isinstance(path, str) or path not in files or not path.endswith(".py"):
            told = repr(path)[:100]
            raise InvalidTool(f"{MANIFEST}: entries.{key}: no Python file {told} in the tool")
        entries[Entry(key)] = path
    return entries


def _outputs(raw: object) -> dict[str, OutputKind]:
    if not isinstance(raw, dict):
        raise InvalidTool(f"{MANIFEST}: outputs: expected a table of file name to kind")
    outputs = {}
    for name, kind in raw.items():
        if not _PATH.fullmatch(name) or "/" in name:
            raise InvalidTool(f"{MANIFEST}: outputs: {name[:80]!r} is no plain file name")
        if not isinstance(kind, str) or kind not in set(OutputKind):
            raise InvalidTool(f"{MANIFEST}: outputs.{name}: expected {', '.join(OutputKind)}")
        outputs[name] = OutputKind(kind)
    return outputs


def _limits(raw: object) -> Limits:
    if not isinstance(raw, dict) or raw.keys() - _MOST.keys():
        raise InvalidTool(f"{MANIFEST}: limits: expected {', '.join(_MOST)}")
    for key, value in raw.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST[key]:
            raise InvalidTool(f"{MANIFEST}: limits.{key}: a whole number from 1 to {_MOST[key]}")
    return Limits(**raw)
