"""Tools as folders on disk, and those that come with Tessera."""

import ast
import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tessera.adapters.files.tool_folder import (
    builtin_tool,
    builtin_tools,
    find_tool,
    read_tool,
    write_tool,
)
from tessera.domain.access.tool import MAX_BYTES, Entry, InvalidTool, tool_bundle
from tessera.domain.errors import NotFound
from tests.architecture.source import REPO
from tests.unit.toolbox.made_site import environment, make_site

MANIFEST = 'name = "x"\nversion = "1"\ntitle = "X"\n[entries]\nrun = "main.py"\n'
TOOLS = {
    "dataset-balance": {Entry.RUN},
    "lesion-classifier": {Entry.RUN, Entry.LEARN, Entry.CASE},
    "signal-to-noise": {Entry.RUN},
}
IN_THE_SANDBOX = {"numpy", "pyarrow", "pydicom", "torch"}
"""What tools may lean on besides Python's own library; torch where it is installed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tool"
    (place / "part").mkdir(parents=True)
    (place / "tool.toml").write_text(MANIFEST)
    (place / "main.py").write_text("import part\n")
    (place / "part" / "more.py").write_text("x = 1\n")
    return place


def test_a_folder_written_and_read_again_is_the_same_tool(folder: Path, tmp_path: Path) -> None:
    bundle = read_tool(folder)
    assert set(bundle.files) == {"tool.toml", "main.py", "part/more.py"}
    kept = tmp_path / "kept" / bundle.digest.removeprefix("sha256:")
    write_tool(bundle, kept)
    assert read_tool(kept).digest == bundle.digest
    assert not any(path.stat().st_mode & 0o222 for path in kept.rglob("*") if path.is_file())
    assert [p.name for p in kept.parent.iterdir()] == [kept.name], "nothing half-written stays"


def test_what_python_and_editors_leave_is_no_part_of_a_tool(folder: Path) -> None:
    digest = read_tool(folder).digest
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"\0")
    (folder / ".git").mkdir()
    (folder / ".main.py.swp").write_bytes(b"\0")
    assert read_tool(folder).digest == digest


def test_writing_over_a_tool_that_is_there_changes_nothing(folder: Path, tmp_path: Path) -> None:
    bundle, kept = read_tool(folder), tmp_path / "kept"
    write_tool(bundle, kept)
    write_tool(builtin_tool("dataset-balance"), kept)
    assert read_tool(kept).digest == bundle.digest


def test_a_link_in_a_tool_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("secret\n")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(InvalidTool, match=r"link\.py"):
        read_tool(folder)


def test_a_folder_with_data_in_it_is_refused_unread(folder: Path) -> None:
    with (folder / "images.npz").open("wb") as out:
        out.truncate(50 * MAX_BYTES)
    with pytest.raises(InvalidTool, match="data does not belong"):
        read_tool(folder)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        read_tool(tmp_path / "none")
    with pytest.raises(NotFound, match="signal-to-noise"):
        builtin_tool("none")
    with pytest.raises(NotFound, match="signal-to-noise"):
        find_tool("none")


def test_a_tool_is_found_by_name_or_by_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_tool("signal-to-noise").digest == builtin_tool("signal-to-noise").digest
    assert find_tool(str(folder)).name == "x"
    monkeypatch.chdir(tmp_path)
    folder.rename(tmp_path / "signal-to-noise")
    assert find_tool("signal-to-noise").name == "signal-to-noise"
    assert find_tool("./signal-to-noise").name == "x"


def test_the_tools_that_come_with_tessera() -> None:
    assert builtin_tools() == tuple(sorted(TOOLS))
    for name, entries in TOOLS.items():
        bundle = builtin_tool(name)
        assert bundle.name == name and set(bundle.entries) == entries
        assert bundle.outputs, "a tool without outputs can tell nothing"


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_built_in_tool_leans_on_nothing_that_the_sandbox_lacks(name: str) -> None:
    bundle = builtin_tool(name)
    own = {path.removesuffix(".py") for path in bundle.files}
    for path, content in bundle.files.items():
        if path.endswith(".py"):
            for imported in _imported(ast.parse(content)):
                assert imported in own | IN_THE_SANDBOX or imported in _PYTHONS_OWN, (
                    f"{name}/{path} imports {imported}"
                )


_PYTHONS_OWN = {
    *("collections", "csv", "dataclasses", "hashlib", "html", "io", "json", "os", "pathlib"),
    *("statistics", "sys", "typing"),
}


def _imported(tree: ast.AST) -> set[str]:
    """First names of the modules that are imported when it runs, not for the type checker."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for other in node.orelse:
                found |= _imported(ast.Module([other], []))
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        else:
            found |= _imported(node)
    return found


def test_the_example_in_the_documents_is_a_tool_that_runs(tmp_path: Path) -> None:
    page = (REPO / "docs" / "reference" / "tools.md").read_text("utf-8")
    manifest, main = (
        re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0]
        for language in ("toml", "python")
    )
    assert tool_bundle({"tool.toml": manifest.encode(), "main.py": main.encode()}).digest
    site = make_site(tmp_path / "data", subjects=7, site=6)
    script, out = tmp_path / "main.py", tmp_path / "out"
    out.mkdir()
    script.write_text(main.replace("'/data/", f"'{site.data}/").replace('"/out/', f'"{out}/'))
    told = environment(site.data, out)
    done = subprocess.run(
        [sys.executable, str(script)], env=told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "slices.json").read_text()) == [
        {"modality": "MR", "subjects": 5, "mean_slices": 6.0},
        {"modality": "SEG", "subjects": 5, "mean_slices": 1.0},
    ]


def test_what_two_tools_share_is_the_same_word_for_word() -> None:
    """A tool is whole in its folder; copies in it must not drift from where they came."""
    box = files("tessera.toolbox")
    metrics = files("tessera.domain.learning") / "metrics.py"
    copied = (box / "lesion_classifier" / "metrics.py").read_text()
    assert copied == metrics.read_text()
    one, other = (box / tool / "bars.py" for tool in ("signal_to_noise", "dataset_balance"))
    assert one.read_text() == other.read_text()
    one, other = (box / tool / "groups.py" for tool in ("signal_to_noise", "dataset_balance"))
    functions = [
        {
            node.name: ast.unparse(node)
            for node in ast.parse(text.read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        for text in (one, other)
    ]
    assert functions[0].items() <= functions[1].items()
