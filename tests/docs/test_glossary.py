"""The glossary is kept: words it refuses name nothing in the source (GLOSSARY.md)."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import (
    REPO,
    Breach,
    Module,
    is_within,
    made_module,
    product_modules,
    report,
)

KINDS = {"module", "class", "function", "part"}
SPELLINGS = re.compile(r"(?i)anonymi[sz]")
PAGES = {".html", ".jinja", ".j2", ".toml", ".json", ".js", ".css"}


@dataclass(frozen=True, slots=True)
class Refused:
    word: str
    kind: str


def refused_words(glossary: str) -> list[Refused]:
    """Read the table under "Words that name nothing"."""
    table = glossary.split("## Words that name nothing", 1)[1]
    rows = re.findall(r"^\| (`[^|]+) \| (\w+) \| [^|]+ \|$", table, re.MULTILINE)
    return [Refused(word, kind) for words, kind in rows for word in re.findall(r"`(\w+)`", words)]


def words_of(name: str) -> list[str]:
    """`HubClientInstance2` and `hub_client_instance` are hub, client, instance."""
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def breaches(modules: Iterable[Module], refused: list[Refused]) -> list[Breach]:
    by_kind = {kind: {r.word for r in refused if r.kind == kind} for kind in KINDS}
    return [
        Breach(module.name, line, f"{kind} {name!r}")
        for module in modules
        for kind, name, line in _names(module)
        if _is_refused(module.name, kind, name, by_kind)
    ]


def _is_refused(module: str, kind: str, name: str, by_kind: dict[str, set[str]]) -> bool:
    whole = name.lower()
    if kind == "class" and whole == "dataset" and is_within(module, "tessera.domain.catalogue"):
        return False
    if whole in by_kind.get(kind, set()):
        return True
    joined = f"_{'_'.join(words_of(name))}_"
    return any(f"_{word}_" in joined for word in by_kind["part"])


def _names(module: Module) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, name, line) of everything the module names itself."""
    yield "module", module.name.rpartition(".")[2], 1
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            yield "class", node.name, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield "function", node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield "argument", node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield "variable", node.id, node.lineno


def pydicom_datasets_under_a_bare_name(modules: Iterable[Module]) -> list[Breach]:
    """A pydicom Dataset is imported as DicomDataset: the bare word is the catalogue's."""
    return [
        Breach(module.name, node.lineno, "import pydicom's Dataset as DicomDataset")
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pydicom"
        for alias in node.names
        if alias.name == "Dataset" and alias.asname != "DicomDataset"
    ]


REFUSED = refused_words((REPO / "GLOSSARY.md").read_text("utf-8"))


def test_the_glossary_says_where_each_word_is_refused() -> None:
    assert len(REFUSED) > 20
    assert {r.kind for r in REFUSED} == KINDS


def test_no_name_uses_a_refused_word() -> None:
    found = breaches(product_modules(), REFUSED)
    assert not found, report(found)


def test_a_pydicom_dataset_is_called_so() -> None:
    found = pydicom_datasets_under_a_bare_name(product_modules())
    assert not found, report(found)


def test_no_page_or_message_claims_anonymity() -> None:
    """The claim is a legal one; Tessera de-identifies. Comments of the source count too."""
    texts = [p for p in (REPO / "src").rglob("*") if p.suffix in PAGES | {".py"}]
    found = [str(p.relative_to(REPO)) for p in texts if SPELLINGS.search(p.read_text("utf-8"))]
    assert not found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tessera.node.utils", ""),
        ("tessera.node.core", ""),
        ("tessera.node.answer", "class ClientInstance: ...\n"),
        ("tessera.node.answer", "class NodeManager: ...\n"),
        ("tessera.node.answer", "def anonymise_patient(): ...\n"),
        ("tessera.node.answer", "def process(): ...\n"),
        ("tessera.node.answer", "def count(query_helper): ...\n"),
        ("tessera.node.answer", "anon_id = 3\n"),
        ("tessera.node.answer", "class Dataset: ...\n"),
    ],
)
def test_a_refused_name_is_seen(name: str, text: str) -> None:
    assert breaches([made_module(name, text)], REFUSED)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tessera.domain.catalogue.dataset", "class Dataset: ...\n"),
        ("tessera.node.answer", "data = 3\ndef processed_count(info): ...\n"),
        ("tessera.wire.database", "BASE32 = 1\nbase = 2\n"),
    ],
)
def test_a_good_name_is_let_through(name: str, text: str) -> None:
    assert not breaches([made_module(name, text)], REFUSED)


def test_a_bare_pydicom_dataset_is_seen() -> None:
    bare = made_module("tessera.node.read", "from pydicom import Dataset\n")
    named = made_module(
        "tessera.node.read", "from pydicom.dataset import Dataset as DicomDataset\n"
    )
    assert pydicom_datasets_under_a_bare_name([bare])
    assert not pydicom_datasets_under_a_bare_name([named])


def test_every_folder_of_the_product_is_explained() -> None:
    """A newcomer finds each package of `src/tessera` in the decision record on layers."""
    record = (REPO / "docs" / "decisions" / "0001-layers.md").read_text("utf-8")
    folders = [
        p.name for p in Path(REPO / "src" / "tessera").iterdir() if (p / "__init__.py").exists()
    ]
    assert [name for name in folders if f"`{name}`" not in record] == []
