"""What the documents and the source tell people to type or read exists."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer

from tests.architecture.source import REPO, product_modules, project_files
from tests.docs.test_exit_codes import commands

_CODE = re.compile(r"```(?:console|sh|shell|bash)\n(.*?)```|`(tessera [^`]+)`", re.DOTALL)
_LINE = re.compile(r"(?:^|[;&|$] *)tessera +(.+)", re.MULTILINE)
_MAKE = re.compile(r"\bmake ((?:[A-Z]+=\S+ +)*)([a-z-]+)\b")
_DOCUMENT = re.compile(r"\b(?:docs|changes)/[\w./-]+\.\w+|\b[A-Z_]{4,}\.md\b")
_TEST = re.compile(r"`(tests/[\w./-]+)`")


def named_commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the words after each `tessera` that a reader is told to type."""
    for block, span in _CODE.findall(text):
        for rest in _LINE.findall(block or span):
            typed = rest.split("#")[0].replace("…", "").replace("`", " ")
            if typed.split():
                yield tuple(typed.split())


def unknown_commands(text: str, known: Mapping[tuple[str, ...], frozenset[str]]) -> list[str]:
    """Return named commands, or options of them, that the program does not have."""
    found = []
    for words in named_commands(text):
        if words[0].startswith("-"):
            continue
        fits = [command for command in known if words[: len(command)] == command]
        is_group = any(command[: len(words)] == words for command in known)
        if not fits and not is_group:
            found.append(f"tessera {' '.join(words)}")
            continue
        options = fits and known[max(fits, key=len)]
        found += [f"tessera {' '.join(words)}: {w}" for w in words if _is_lost(w, options)]
    return found


def _is_lost(word: str, options: frozenset[str] | list[tuple[str, ...]]) -> bool:
    return word.startswith("--") and word.split("=")[0].strip("[]…") not in {*options, "--help"}


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, ...], frozenset[str]]:
    from tessera.cli.register import register_all

    app = typer.Typer()
    register_all(app)
    return {
        tuple(words.split()): frozenset(o for p in command.params for o in p.opts if o[:1] == "-")
        for words, command in commands(app)
    }


def test_every_command_in_a_document_exists(
    known: dict[tuple[str, ...], frozenset[str]],
) -> None:
    documents = [path for path in project_files() if path.suffix == ".md"]
    found = [
        f"{path.relative_to(REPO)}: {fault}"
        for path in documents
        for fault in unknown_commands(path.read_text("utf-8"), known)
    ]
    assert not found, "\n" + "\n".join(found)


def test_every_command_in_a_help_text_exists(
    known: dict[tuple[str, ...], frozenset[str]],
) -> None:
    found = [
        f"{module.name}: {fault}"
        for module in product_modules("tessera.cli")
        for fault in unknown_commands(re.sub(r"\n +", " ", module.text), known)
    ]
    assert not found, "\n" + "\n".join(found)


def test_every_make_target_in_a_document_exists() -> None:
    makefile = (REPO / "Makefile").read_text("utf-8")
    documents = [REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "CHANGELOG.md"]
    for document in documents:
        code = " ".join(re.findall(r"```.*?```|`[^`]+`", document.read_text("utf-8"), re.DOTALL))
        for _, target in _MAKE.findall(code):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document.name}: {target}"


def test_every_document_that_the_source_names_exists() -> None:
    texts = [REPO / "Makefile", *(module.path for module in product_modules())]
    lost = [
        f"{path.relative_to(REPO)}: {name}"
        for path in texts
        for name in _DOCUMENT.findall(path.read_text("utf-8"))
        if not _exists(name)
    ]
    assert not lost, "\n" + "\n".join(lost)


def test_every_test_that_a_document_names_exists() -> None:
    lost = [
        f"{path.relative_to(REPO)}: {name}"
        for path in project_files()
        if path.suffix == ".md"
        for name in _TEST.findall(path.read_text("utf-8"))
        if not _exists(name)
    ]
    assert not lost, "\n" + "\n".join(lost)


def _exists(name: str) -> bool:
    return Path(REPO / name).exists()


def test_each_kind_of_test_is_explained() -> None:
    text = (REPO / "CONTRIBUTING.md").read_text("utf-8")
    folders = [p.name for p in (REPO / "tests").iterdir() if (p / "__init__.py").exists()]
    assert [name for name in folders if f"`tests/{name}`" not in text] == []


@pytest.mark.parametrize(
    ("text", "n_lost"),
    [
        ("`tessera search 'cancer = breast' --hub URL`", 0),
        ("`tessera node`, `tessera node …`", 0),
        ("`tessera --help`", 0),
        ("```console\n$ tessera search 'x' --hub U  # says so\n$ make test\n```", 0),
        ("`tessera dance`", 1),
        ("`tessera node dance HOME`", 1),
        ("`tessera search 'x' --loudly`", 1),
        ("```console\n$ tessera search 'x'\n$ tessera dance\n```", 1),
    ],
)
def test_a_lost_command_is_seen(text: str, n_lost: int) -> None:
    made = {("search",): frozenset({"--hub"}), ("node", "init"): frozenset[str]()}
    assert len(unknown_commands(text, made)) == n_lost
