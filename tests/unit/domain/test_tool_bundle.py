"""What is a tool, and how its digest names it."""

from collections.abc import Callable

import pytest

from tessera.domain.access.tool import (
    MAX_BYTES,
    MAX_FILES,
    Entry,
    InvalidTool,
    Limits,
    OutputKind,
    ToolBundle,
    tool_bundle,
    tool_digest,
)

MANIFEST = b"""\
name = "count-slices"
version = "1.2.0"
title = "How many slices"

[entries]
run = "main.py"

[outputs]
"slices.json" = "aggregate"

[limits]
seconds = 60
"""
FILES = {"tool.toml": MANIFEST, "main.py": b"print(1)\n", "part/more.py": b"x = 1\n"}


def test_a_bundle_says_what_its_tool_toml_says() -> None:
    bundle = tool_bundle(FILES)
    assert (bundle.name, bundle.version) == ("count-slices", "1.2.0")
    assert bundle.entries == {Entry.RUN: "main.py"}
    assert bundle.outputs == {"slices.json": OutputKind.AGGREGATE}
    assert bundle.limits == Limits(seconds=60)


def test_the_digest_is_of_names_and_content_in_no_order() -> None:
    digest = tool_bundle(FILES).digest
    assert tool_digest(digest) == digest
    assert tool_bundle(dict(reversed(FILES.items()))).digest == digest
    # By `sha256sum` over the output of `sha256sum` of the sorted files, so that anybody can check.
    assert digest == "sha256:668731e8b7fb62dc0cde1d6c9888b4e3cea61c3da6663690f749434979d5d3e5"


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f | {"main.py": b"print(2)\n"},
        lambda f: f | {"tool.toml": MANIFEST.replace(b"60", b"61")},
        lambda f: f | {"more.py": b"x = 1\n"},
        lambda f: {k: v for k, v in f.items() if k != "part/more.py"},
        lambda f: {k.replace("part/", "parts/"): v for k, v in f.items()},
    ],
)
def test_any_change_gives_another_digest(
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
) -> None:
    assert tool_bundle(change(dict(FILES))).digest != tool_bundle(FILES).digest


def test_files_cannot_be_moved_into_one_another_under_the_same_digest() -> None:
    one = tool_bundle({"tool.toml": MANIFEST, "main.py": b"a", "b.py": b"c"})
    other = tool_bundle({"tool.toml": MANIFEST, "main.py": b"ab.py", "b.py": b"c"})
    assert one.digest != other.digest


def test_a_bundle_comes_back_from_json() -> None:
    bundle = tool_bundle(FILES)
    again = ToolBundle.from_json(bundle.to_json())
    assert again == bundle and again.digest == bundle.digest


@pytest.mark.parametrize("text", ["not base64!", "YQ", None])
def test_json_that_holds_no_base64_is_refused(text: object) -> None:
    with pytest.raises(InvalidTool, match=r"main\.py.*base64"):
        ToolBundle.from_json(tool_bundle(FILES).to_json() | {"main.py": text})


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'"count-slices"', b'"Count slices"', "name"),
        (b'"1.2.0"', b'""', "version"),
        (b'"How many slices"', b'"a\\nb"', "title"),
        (b'"How many slices"', b"3", "title"),
        (b'run = "main.py"', b"", "entries"),
        (b'run = "main.py"', b'walk = "main.py"', r"entries\.walk"),
        (b'run = "main.py"', b'run = "other.py"', r"entries\.run"),
        (b'run = "main.py"', b'run = "tool.toml"', r"entries\.run"),
        (b'"slices.json" = "aggregate"', b'"../x.json" = "aggregate"', "plain file name"),
        (b'"slices.json" = "aggregate"', b'"a/x.json" = "aggregate"', "plain file name"),
        (b'"slices.json" = "aggregate"', b'"x.json" = "images"', "aggregate, figure, model"),
        (b"seconds = 60", b"seconds = 0", r"limits\.seconds"),
        (b"seconds = 60", b"seconds = 86401", r"limits\.seconds"),
        (b"seconds = 60", b"seconds = true", r"limits\.seconds"),
        (b"seconds = 60", b"minutes = 1", "limits"),
        (b'version = "1.2.0"', b'version = "1.2.0"\nnetwork = true', "unknown keys: network"),
        (b"[entries]", b"[entries", "tool.toml"),
        (b"How", b"\xff", "tool.toml"),
    ],
)
def test_a_wrong_tool_toml_is_refused_by_the_key(old: bytes, new: bytes, named: str) -> None:
    assert old in MANIFEST
    with pytest.raises(InvalidTool, match=named):
        tool_bundle(FILES | {"tool.toml": MANIFEST.replace(old, new)})


@pytest.mark.parametrize(
    "path", ["../x.py", "/x.py", "a//b.py", ".hidden.py", "a b.py", "a/../b.py", "é.py", "a\n.py"]
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidTool, match="file names"):
        tool_bundle(FILES | {path: b""})


def test_a_tool_is_small() -> None:
    with pytest.raises(InvalidTool, match="data does not belong"):
        tool_bundle(FILES | {"big.py": bytes(MAX_BYTES)})
    with pytest.raises(InvalidTool, match="at most"):
        tool_bundle(FILES | {f"f{n}.py": b"" for n in range(MAX_FILES)})
    with pytest.raises(InvalidTool, match=r"no tool\.toml"):
        tool_bundle({"main.py": b""})


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "md5:" + "a" * 64]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidTool):
        tool_digest(text)
