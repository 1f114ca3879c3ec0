"""Fetch the pinned viewer package, check it, and unpack it into a folder.

The package is taken as its makers built it. What a node has no use for stays out: source maps,
the runtime for models in the browser, the worker that would cache pages.
"""

import base64
import gzip
import hashlib
import hmac
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tessera.domain.errors import InvalidInput, NotFound, Unavailable

SOURCE: Final = "https://registry.npmjs.org"
"""The public npm registry."""
FOLDER: Final = "viewer"
"""In a node's home."""
MAX_PACKAGE_BYTES: Final = 200_000_000
MAX_FILE_BYTES: Final = 64_000_000
MAX_ALL_BYTES: Final = 600_000_000
MAX_FILES: Final = 5000
_ROOT: Final = "package/dist/"
_LEFT_OUT: Final = ("ort/", "sw.js", "google.js", "app-config.js", "silent-refresh.html")
_PACKED: Final = frozenset((".js", ".css", ".wasm", ".svg", ".html", ".json", ".jsonc"))
_PACK_FROM: Final = 1400
"""Bytes; less fits in one packet anyhow."""


@dataclass(frozen=True, slots=True)
class Package:
    """A release that was tried with this program."""

    name: str
    version: str
    integrity: str
    """Subresource integrity of the tarball, as the registry states it: sha512-…"""

    @property
    def path(self) -> str:
        """Return the tarball's path at a registry."""
        return f"/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


PINNED: Final = Package(
    "@ohif/app",
    "3.13.2",
    "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+"
    "jd5xXZB9E8EA==",
)
"""OHIF Viewer, MIT licence."""


def check_package(file: Path, package: Package = PINNED) -> None:
    """Raise InvalidInput unless the file is that very package; NotFound when there is none."""
    if not file.is_file():
        raise NotFound(f"{file}: there is no such file")
    if file.stat().st_size > MAX_PACKAGE_BYTES:
        raise InvalidInput(f"{file} is larger than the viewer's package can be")
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha512").digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(found, package.integrity):
        raise InvalidInput(f"{file} is not {package.name} {package.version}: its SHA-512 differs")


def fetch_package(
    source: str, to: Path, *, tell: Callable[[int, int], None], package: Package = PINNED
) -> None:
    """Write the package to `to`, unchecked. `tell` hears bytes so far and of all, or 0.

    Raises Unavailable and InvalidInput.
    """
    import httpx

    from tessera.ports.trust import trusted

    address = source.rstrip("/") + package.path
    if not address.startswith(("https://", "http://")):
        raise InvalidInput("the source is an address: https://…")
    try:
        with httpx.stream(
            "GET", address, follow_redirects=True, timeout=30, verify=trusted()
        ) as answer:
            if answer.status_code != 200:
                raise Unavailable(f"the source answered {answer.status_code} for {package.path}")
            size = answer.headers.get("content-length", "")
            n_all, n_bytes = int(size) if size.isdecimal() else 0, 0
            with to.open("wb") as file:
                for chunk in answer.iter_bytes():
                    n_bytes += len(chunk)
                    if n_bytes > MAX_PACKAGE_BYTES:
                        raise InvalidInput("the source sends more than the package can be")
                    file.write(chunk)
                    tell(n_bytes, n_all)
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise Unavailable(
            f"the viewer's package cannot be fetched ({type(err).__name__}); fetch"
            f" {package.path.rpartition('/')[2]} elsewhere and give it with --from"
        ) from err


def unpack(file: Path, home: Path, package: Package = PINNED) -> Path:
    """Unpack a checked package into the home; return its folder. All or nothing.

    Raises InvalidInput for a package with anything but plain files inside its own folder.
    """
    place = installed_folder(home, package)
    place.parent.mkdir(exist_ok=True, mode=0o750)
    part = place.with_name(f".{package.version}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o750)
    try:
        for name, content in _files(file):
            to = part.joinpath(*name.parts)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(content)
            if len(content) > _PACK_FROM and name.suffix in _PACKED:
                packed = gzip.compress(content, 6, mtime=0)
                to.with_name(to.name + ".gz").write_bytes(packed)
        if not (part / "index.html").is_file():
            raise InvalidInput("the package holds no built viewer: dist/index.html is missing")
        shutil.rmtree(place, ignore_errors=True)
        part.replace(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return place


def installed_folder(home: Path, package: Package = PINNED) -> Path:
    """Return where the viewer is, or would be."""
    return home / FOLDER / package.version


def is_installed(home: Path, package: Package = PINNED) -> bool:
    return (installed_folder(home, package) / "index.html").is_file()


def _files(file: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    n_all = n_files = 0
    with _opened(file) as tar:
        for member in tar:
            n_files += 1
            n_all += max(member.size, 0)
            if n_files > MAX_FILES or n_all > MAX_ALL_BYTES or member.size > MAX_FILE_BYTES:
                raise InvalidInput("the package unpacks to more than a viewer can be")
            if member.isdir():
                continue
            if not member.isreg():
                raise InvalidInput("the package holds a link or a device; nothing was unpacked")
            name = _name(member.name)
            if name is None:
                continue
            opened = tar.extractfile(member)
            if opened is not None:
                yield name, opened.read()


def _name(text: str) -> PurePosixPath | None:
    """Return the path within the viewer; None for what is not part of it."""
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise InvalidInput("the package holds a path that leads out of it; nothing was unpacked")
    if not text.startswith(_ROOT):
        return None
    inner = PurePosixPath(text.removeprefix(_ROOT))
    left_out = inner.suffix == ".map" or inner.name.startswith("_")
    if left_out or str(inner).startswith(_LEFT_OUT) or not inner.parts:
        return None
    return inner


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r|gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as err:
        raise InvalidInput(f"{file} is no whole package") from err
