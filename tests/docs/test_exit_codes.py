"""Exit codes and commands are documented: by page, and by `--help` with an example."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from tessera.cli import exit_codes
from tessera.cli.register import register_all
from tests.architecture.source import REPO, Breach, Module, made_module, product_modules, report

PAGE = REPO / "docs" / "reference" / "exit-codes.md"
EXAMPLE = re.compile(r"\bExamples?:")


def declared() -> dict[str, int]:
    return {name: code for name, code in vars(exit_codes).items() if name.isupper()}


def documented(page: str) -> dict[str, int]:
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \| .+ \|$", page, re.MULTILINE)
    return {name: int(code) for code, name in rows}


def unnamed_exits(modules: Iterable[Module]) -> list[Breach]:
    """Return exits with a bare number: a code has a name, so that the page can list it."""
    return [
        Breach(module.name, call.lineno, "exits with a bare number")
        for module in modules
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", getattr(call.func, "attr", "")) in {"Exit", "exit", "_exit"}
        for value in (*call.args, *(k.value for k in call.keywords))
        if isinstance(value, ast.Constant) and isinstance(value.value, int)
    ]


def commands(app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Yield (words after `tessera`, command) of every command that does something."""
    yield from _below("", get_command(app))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words.strip(), command
        return
    default = getattr(command, "default", None)
    if default:
        yield words.strip(), children[default]
    for name, child in sorted(children.items()):
        yield from _below(f"{words} {name}", child)


def commands_without_an_example(app: typer.Typer) -> list[str]:
    """`--help` shows a command's help and its epilog; the example ends either."""
    return [
        f"tessera {words}"
        for words, command in commands(app)
        if not EXAMPLE.search(f"{command.help or ''}\n{command.epilog or ''}")
    ]


@pytest.fixture(scope="module")
def program() -> typer.Typer:
    app = typer.Typer()
    register_all(app)
    return app


def test_every_exit_code_is_documented_and_none_other() -> None:
    assert documented(PAGE.read_text("utf-8")) == declared()


def test_exit_codes_differ() -> None:
    assert len(set(declared().values())) == len(declared())


def test_commands_exit_with_named_codes() -> None:
    found = unnamed_exits(product_modules("tessera.cli"))
    assert not found, report(found)


def test_every_command_shows_an_example(program: typer.Typer) -> None:
    assert commands_without_an_example(program) == []


def test_the_program_has_its_commands(program: typer.Typer) -> None:
    words = {words for words, _ in commands(program)}
    assert {"phantom", "deid", "check", "search", "demo", "hub init", "hub run"} <= words
    assert {"node init", "node ingest", "node status", "node join", "node run"} <= words
    assert {f"node dataset {verb}" for verb in ("create", "list", "show", "publish")} <= words


def test_a_bare_number_is_seen() -> None:
    text = "raise typer.Exit(3)\nsys.exit(code=1)\nraise typer.Exit(exit_codes.FAILED)\n"
    assert [b.line for b in unnamed_exits([made_module("tessera.cli.x", text)])] == [1, 2]


def test_a_command_without_an_example_is_seen() -> None:
    app = typer.Typer()

    @app.command("shown")
    def shown() -> None:
        """Do this.

        Example: tessera shown
        """

    @app.command("bare")
    def bare() -> None:
        """Do that."""

    assert commands_without_an_example(app) == ["tessera bare"]
