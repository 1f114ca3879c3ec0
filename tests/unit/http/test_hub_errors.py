"""Every deliberate error has its status, and travels to the client as what it was."""

import importlib
from collections.abc import Iterator

import pytest

from tessera.domain.errors import InvalidQuery, NotFound, Refused, TesseraError, Unavailable
from tessera.http.errors import STATUS, status_of
from tessera.wire.problem import problem_from_json, problem_to_json
from tessera.wire.refusals import BadMessage, NodePending, TooLarge, TooManyRequests
from tests.architecture.source import product_modules


def every_error(root: type[TesseraError] = TesseraError) -> Iterator[type[TesseraError]]:
    for child in root.__subclasses__():
        yield child
        yield from every_error(child)


def test_every_error_has_a_code_of_its_own_and_a_status() -> None:
    for module in product_modules():
        # A tool's files are alone in the sandbox: they import one another by plain name.
        if not module.name.startswith("tessera.toolbox."):
            importlib.import_module(module.name)
    errors = [e for e in every_error() if e.__module__.startswith("tessera.")]
    assert len({e.code for e in errors}) == len(errors)
    assert [e.__name__ for e in errors if status_of(e) == 500] == []
    assert set(STATUS) <= set(errors)


def test_a_fault_of_ours_is_a_500() -> None:
    assert status_of(ValueError) == status_of(TesseraError) == 500


@pytest.mark.parametrize(
    "error",
    [NotFound("x"), NodePending("x"), TooLarge("at most 5 bytes"), Unavailable("secret path")],
)
def test_the_other_side_gets_the_class_and_its_public_text(error: TesseraError) -> None:
    body = problem_to_json(error, status_of(type(error)))
    assert body["type"] == f"urn:tessera:error:{error.code}"
    back = problem_from_json(body, status_of(type(error)))
    assert type(back) is type(error)
    assert error.public in str(back)
    assert "secret" not in str(body)


def test_a_query_error_keeps_its_place_and_mend() -> None:
    body = problem_to_json(InvalidQuery("no such field", position=7, mend="use cancer"), 400)
    back = problem_from_json(body, 400)
    assert isinstance(back, InvalidQuery)
    assert (back.message, back.position, back.mend) == ("no such field", 7, "use cancer")


def test_a_bad_message_keeps_its_key() -> None:
    assert "title" in str(problem_from_json(problem_to_json(BadMessage("title", "text"), 400), 400))


@pytest.mark.parametrize(
    ("status", "cls"), [(404, NotFound), (403, Refused), (502, Unavailable), (429, Refused)]
)
def test_an_unknown_code_goes_by_its_status(status: int, cls: type[TesseraError]) -> None:
    assert type(problem_from_json({"type": "urn:tessera:error:from-later"}, status)) is cls


def test_too_many_requests_is_a_refusal_with_its_own_status() -> None:
    assert (issubclass(TooManyRequests, Refused), status_of(TooManyRequests)) == (True, 429)
