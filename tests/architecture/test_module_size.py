"""One module is one idea: over 400 lines needs a reason, over 800 is refused."""

from collections.abc import Iterable, Mapping

from tests.architecture.source import Breach, Module, made_module, product_modules, report

SOFT_LIMIT_LINES = 400
HARD_LIMIT_LINES = 800
EXCUSED: Mapping[str, str] = {}
"""Module name to the reason why it is better whole. Over the hard limit no reason helps."""


def size_breaches(modules: Iterable[Module], excused: Mapping[str, str]) -> list[Breach]:
    breaches = []
    for module in modules:
        if module.n_lines > HARD_LIMIT_LINES:
            breaches.append(Breach(module.name, module.n_lines, "over 800 lines: split it"))
        elif module.n_lines > SOFT_LIMIT_LINES and module.name not in excused:
            breaches.append(Breach(module.name, module.n_lines, "over 400 lines: split or excuse"))
    return breaches


def test_no_module_is_longer_than_one_idea_needs() -> None:
    breaches = size_breaches(product_modules(), EXCUSED)
    assert not breaches, report(breaches)


def test_an_excuse_names_a_module_that_needs_it() -> None:
    long = {m.name for m in product_modules() if m.n_lines > SOFT_LIMIT_LINES}
    assert set(EXCUSED) <= long, f"no longer needed: {set(EXCUSED) - long}"
    assert all(reason.strip() for reason in EXCUSED.values())


def test_a_long_module_needs_an_excuse_and_a_very_long_one_has_none() -> None:
    short, long, endless = (made_module(f"tessera.{n}", "x = 1\n" * n) for n in (400, 401, 801))
    assert [b.line for b in size_breaches([short, long, endless], {})] == [401, 801]
    excused = {long.name: "one table", endless.name: "one table"}
    assert [b.line for b in size_breaches([short, long, endless], excused)] == [801]
