"""Every deliberate error has a code of its own and a row in docs/reference/errors.md."""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator

import pytest

from tessera.domain.clinical.problem import MENDS
from tessera.domain.deid.gate import HELD
from tessera.domain.errors import TesseraError
from tessera.http.errors import status_of
from tests.architecture.source import REPO, Module, made_module, product_modules

PAGE = REPO / "docs" / "reference" / "errors.md"
CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def every_error(root: type[TesseraError] = TesseraError) -> Iterator[type[TesseraError]]:
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)


def product_errors() -> list[type[TesseraError]]:
    for module in product_modules():
        # A tool's files are alone in the sandbox: they import one another by plain name.
        if not module.name.startswith("tessera.toolbox."):
            importlib.import_module(module.name)
    return [e for e in every_error() if e.__module__.startswith("tessera.")]


def faults(errors: Iterable[type[TesseraError]], page: str) -> list[str]:
    """Return what is wrong with the errors, or with the page that explains them."""
    found: list[str] = []
    owner: dict[str, str] = {}
    for error in errors:
        name = error.__name__
        if "code" not in vars(error) or "public" not in vars(error):
            found.append(f"{name}: needs its own code and public text")
            continue
        if not CODE.fullmatch(error.code):
            found.append(f"{name}: code {error.code!r} is not lower case with hyphens")
        if owner.setdefault(error.code, name) != name:
            found.append(f"{name}: code {error.code!r} belongs to {owner[error.code]}")
        if not error.public.endswith(".") or "{" in error.public or "%" in error.public:
            found.append(f"{name}: public is one fixed sentence without values")
        if f"| `{error.code}` | {error.public} | {status_of(error)} |" not in page:
            found.append(f"{name}: no row in {PAGE.name} with code, public text and HTTP status")
    return found


def quarantine_reasons(modules: Iterable[Module]) -> frozenset[str]:
    """Return the reasons that code gives to InvalidDicom as plain text, and those that hold."""
    return HELD | {
        value.value
        for module in modules
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call)
        for value in _given_reasons(call)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def _given_reasons(call: ast.Call) -> Iterator[ast.expr]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name == "InvalidDicom":
        yield from call.args[:1]
    if name in {"InvalidDicom", "LedgerEntry", "Taken"}:
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "reason")


def test_every_error_has_its_own_code_and_is_documented() -> None:
    found = faults(product_errors(), PAGE.read_text("utf-8"))
    assert not found, "\n" + "\n".join(found)


def test_the_page_documents_no_error_that_is_gone() -> None:
    table = PAGE.read_text("utf-8").split("## Reasons for quarantine")[0]
    documented = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert set(documented) == {error.code for error in product_errors()}


def test_every_reason_for_quarantine_is_documented() -> None:
    page = PAGE.read_text("utf-8")
    missing = {r for r in quarantine_reasons(product_modules()) if f"| `{r}` |" not in page}
    assert not missing


def test_every_problem_of_a_clinical_table_is_documented() -> None:
    table = PAGE.read_text("utf-8").split("## Problems of clinical tables")[1]
    assert set(re.findall(r"^\| `([a-z-]+)` \| .+ \|$", table, re.MULTILINE)) == MENDS.keys()


def test_an_undocumented_reason_is_seen() -> None:
    text = "raise InvalidDicom('made-up', 'x')\nLedgerEntry(reason='second')\n"
    assert quarantine_reasons([made_module("tessera.x", text)]) == HELD | {
        "made-up",
        "second",
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"code": "only-a-code"},
        {"code": "Not Good", "public": "A sentence."},
        {"code": "made-up", "public": "The value {value} is wrong."},
        {"code": "made-up", "public": "Not documented."},
        {"code": "internal", "public": "Taken."},
    ],
)
def test_a_careless_error_is_seen(members: dict[str, str]) -> None:
    # Not a subclass: that would stay in the process and trouble the other tests.
    careless = type("Careless", (), {"__doc__": "Made for a test.", **members})
    assert faults([TesseraError, careless], PAGE.read_text("utf-8"))
