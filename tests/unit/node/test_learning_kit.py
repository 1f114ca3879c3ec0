"""A start-up kit comes from the hub, which is not believed: only small plain files are unpacked."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.node.learning_kit import MAX_BYTES, MAX_FILES, BadKit, unpack_kit


def made(fill: Callable[[zipfile.ZipFile], object]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return out.getvalue()


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("startup/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", b"1")
    with pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a", b"2")


def test_a_kit_is_unpacked_as_private_files(tmp_path: Path) -> None:
    kit = made(lambda archive: archive.writestr("startup/client.key", b"secret"))
    unpack_kit(kit, tmp_path / "kit")
    path = tmp_path / "kit" / "startup" / "client.key"
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kit").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "fill",
    [
        lambda archive: None,
        lambda archive: archive.writestr("../outside", b"x"),
        lambda archive: archive.writestr("/etc/outside", b"x"),
        lambda archive: archive.writestr("a/../../outside", b"x"),
        lambda archive: archive.writestr("a/b/c/d", b"x"),
        lambda archive: archive.writestr(".hidden", b"x"),
        lambda archive: archive.writestr("folder/", b""),
        lambda archive: archive.writestr("large", b"\0" * (MAX_BYTES + 1)),
        lambda archive: [archive.writestr(f"f{n}", b"\0" * 60_000) for n in range(20)],
        lambda archive: [archive.writestr(f"f{n}", b"") for n in range(MAX_FILES + 1)],
        lambda archive: archive.writestr("a", b"x", zipfile.ZIP_BZIP2),
        lambda archive: [archive.writestr(name, b"x") for name in ("a", "a/b")],
        link,
        twice,
    ],
)
def test_anything_else_is_refused_before_a_file_is_written(
    tmp_path: Path, fill: Callable[[zipfile.ZipFile], object]
) -> None:
    with pytest.raises(BadKit):
        unpack_kit(made(fill), tmp_path / "in" / "kit")
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=300))
def test_bytes_that_are_no_archive_are_a_bad_kit(content: bytes) -> None:
    with pytest.raises(BadKit):
        unpack_kit(content, Path("/nowhere/at/all"))


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_kit_is_bad_or_what_it_was(at: int, value: int) -> None:
    kit = bytearray(made(lambda archive: archive.writestr("startup/client.key", b"secret" * 9)))
    kit[at % len(kit)] = value
    # It was good, and cannot be written there; or it is bad.
    with pytest.raises((BadKit, FileNotFoundError)):
        unpack_kit(bytes(kit), Path("/proc/nowhere"))
