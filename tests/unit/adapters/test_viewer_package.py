"""The viewer's package is taken only when it is the pinned one, and only plain files of it."""

import base64
import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tessera.adapters.viewer import package
from tessera.adapters.viewer.package import (
    Package,
    check_package,
    fetch_package,
    installed_folder,
    is_installed,
    unpack,
)
from tessera.domain.errors import InvalidInput, NotFound, Unavailable

PAGE = b"<!doctype html><title>viewer</title>"
SCRIPT = b"const n = 1;\n" * 400


def put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def tarball(folder: Path, *extra: tarfile.TarInfo, more: dict[str, bytes] | None = None) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as tar:
        put(tar, "package/package.json", b"{}")
        put(tar, "package/dist/index.html", PAGE)
        put(tar, "package/dist/app.bundle.0123456789abcdef.js", SCRIPT)
        put(tar, "package/dist/app.bundle.js.map", b"{}")
        put(tar, "package/dist/ort/ort.js", b"1")
        put(tar, "package/dist/assets/favicon.ico", b"\0")
        for name, content in (more or {}).items():
            put(tar, name, content)
        for info in extra:
            tar.addfile(info)
    return path


def pinned(file: Path) -> Package:
    digest = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    return Package("@a/b", "1.2.3", f"sha512-{digest}")


def link(kind: bytes, name: str = "package/dist/out") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def test_what_a_node_needs_is_unpacked_and_packed_for_sending(tmp_path: Path) -> None:
    file = tarball(tmp_path)
    check_package(file, pinned(file))
    folder = unpack(file, tmp_path, pinned(file))
    assert folder == installed_folder(tmp_path, pinned(file))
    assert is_installed(tmp_path, pinned(file))
    found = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    script = "app.bundle.0123456789abcdef.js"
    assert found == [script, f"{script}.gz", "assets/favicon.ico", "index.html"]
    assert gzip.decompress((folder / f"{script}.gz").read_bytes()) == SCRIPT


def test_another_package_is_refused(tmp_path: Path) -> None:
    file = tarball(tmp_path)
    right = pinned(file)
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(InvalidInput, match="SHA-512"):
        check_package(file, right)
    with pytest.raises(NotFound):
        check_package(tmp_path / "nothing.tgz")


@pytest.mark.parametrize(
    "hostile",
    [
        link(tarfile.SYMTYPE),
        link(tarfile.LNKTYPE),
        link(tarfile.CHRTYPE),
        link(tarfile.FIFOTYPE),
        tarfile.TarInfo("package/dist/../../../evil"),
        tarfile.TarInfo("/package/dist/evil"),
        tarfile.TarInfo("package/dist/..\\evil"),
    ],
    ids=lambda info: f"{info.type!r} {info.name}",
)
def test_nothing_of_a_hostile_package_stays(tmp_path: Path, hostile: tarfile.TarInfo) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before = tarball(tmp_path)
    unpack(before, home, pinned(before))
    file = tarball(tmp_path, hostile)
    other = Package("@a/b", "9", pinned(file).integrity)
    with pytest.raises(InvalidInput, match="nothing was unpacked"):
        unpack(file, home, other)
    assert not is_installed(home, other)
    assert [one.name for one in (home / "viewer").iterdir()] == ["1.2.3"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home", "package.tgz"]


def test_a_package_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_ALL_BYTES", 10_000)
    file = tarball(tmp_path, more={"package/dist/large.js": bytes(20_000)})
    with pytest.raises(InvalidInput, match="more than a viewer"):
        unpack(file, tmp_path, pinned(file))


@pytest.mark.parametrize("n_bytes", [0, 5])
def test_half_a_package_is_refused(tmp_path: Path, n_bytes: int) -> None:
    file = tarball(tmp_path)
    file.write_bytes(file.read_bytes()[:n_bytes])
    with pytest.raises(InvalidInput):
        unpack(file, tmp_path, Package("@a/b", "1", ""))


@contextmanager
def registry(content: bytes, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/npm/", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_package_is_fetched_from_a_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    file = tarball(tmp_path)
    told: list[tuple[int, int]] = []
    size = file.stat().st_size
    with registry(file.read_bytes()) as (source, asked):
        to = tmp_path / "fetched"
        fetch_package(source, to, tell=lambda n, of: told.append((n, of)), package=pinned(file))
    check_package(to, pinned(file))
    assert asked == ["/npm/@a/b/-/b-1.2.3.tgz"]
    assert told[-1] == (size, size)


def test_a_mirror_without_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with (
        registry(b"", 404) as (source, _),
        pytest.raises(Unavailable, match="404"),
    ):
        fetch_package(source, tmp_path / "x", tell=lambda _n, _of: None)
    with pytest.raises(Unavailable, match="--from"):
        fetch_package("http://127.0.0.1:9", tmp_path / "x", tell=lambda _n, _of: None)
    with pytest.raises(InvalidInput, match="address"):
        fetch_package("file:///etc", tmp_path / "x", tell=lambda _n, _of: None)
