"""What leaves a node, and what is called de-identified, goes through a gate (decision 0002)."""

import ast
import copy
import pickle
from collections.abc import Iterable, Iterator

import pytest

from tessera.domain.zones import (
    Deidentified,
    Identified,
    Released,
    seal_deidentified,
    seal_released,
)
from tests.architecture.source import (
    Breach,
    Module,
    is_within,
    made_module,
    product_modules,
    report,
)

HOME = "tessera.domain.zones"
MAY_NAME = {
    # The contract suites seal made-up rows; no other package may import them (import contracts).
    "seal_deidentified": ("tessera.domain.deid", "tessera.testing"),
    "seal_released": (
        "tessera.domain.cohort.disclosure",
        "tessera.domain.access.airlock",
        "tessera.domain.learning.update_gate",
        "tessera.domain.twin.gate",
    ),
}
"""Seal function to the modules that may name it; a package means all in it."""
SEALED = {"Deidentified", "Released", "_Sealed"}
INNER = {"_SEAL", "_Sealed"}


def zone_breaches(modules: Iterable[Module]) -> list[Breach]:
    """Return every place outside the gates that could seal a value."""
    return [
        Breach(module.name, getattr(node, "lineno", 0), what)
        for module in modules
        if module.name != HOME
        for node in ast.walk(module.tree)
        for what in _faults(module.name, node)
    ]


def _faults(module: str, node: ast.AST) -> Iterator[str]:
    for name in _names(node):
        if name in MAY_NAME and not any(is_within(module, gate) for gate in MAY_NAME[name]):
            yield f"names {name}, which belongs to {', '.join(MAY_NAME[name])}"
        if name in INNER:
            yield f"names {name}, which is private to {HOME}"
    if isinstance(node, ast.Call):
        if _class_name(node.func) in SEALED:
            yield f"calls {_class_name(node.func)}, which only its gate builds"
        maker = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if maker == "__new__" and any(_class_name(arg) in SEALED for arg in node.args):
            yield "builds a sealed value behind its constructor"
    if isinstance(node, ast.ClassDef) and any(_class_name(b) in SEALED for b in node.bases):
        yield "derives from a sealed type"
    if isinstance(node, ast.alias) and node.asname and node.name in SEALED:
        yield f"renames {node.name}"
    renamed = node.value if isinstance(node, ast.Assign) else None
    if isinstance(renamed, (ast.Name, ast.Attribute)) and _class_name(renamed) in SEALED:
        yield "gives a sealed type another name"


def _names(node: ast.AST) -> Iterator[str]:
    """Every way in which a node can name something, getattr with a text included."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.alias):
        yield node.name.rpartition(".")[2]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _class_name(node: ast.AST | None) -> str:
    """`Released`, `zones.Released` and `Released[int]` all name Released."""
    if isinstance(node, ast.Subscript):
        return _class_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_only_the_gates_seal() -> None:
    breaches = zone_breaches(product_modules())
    assert not breaches, report(breaches)


@pytest.mark.parametrize(
    "text",
    [
        "from tessera.domain.zones import seal_released\n",
        "from tessera.domain.zones import seal_deidentified as mark\n",
        "from tessera.domain import zones\nzones.seal_released(3)\n",
        "from tessera.domain import zones\ngetattr(zones, 'seal_released')(3)\n",
        "from tessera.domain.zones import Released\nReleased(3)\n",
        "from tessera.domain.zones import Released\nReleased[int](3, None)\n",
        "from tessera.domain import zones\nzones.Deidentified(3, zones._SEAL)\n",
        "from tessera.domain.zones import Released\nobject.__new__(Released)\n",
        "from tessera.domain.zones import Released\nclass Mine(Released[int]): ...\n",
        "from tessera.domain.zones import Released as R\n",
        "from tessera.domain.zones import Released\nR = Released\n",
    ],
)
def test_each_way_round_a_gate_is_seen(text: str) -> None:
    assert zone_breaches([made_module("tessera.node.answer", text)])


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("tessera.domain.deid.rules", "from tessera.domain.zones import seal_deidentified\n"),
        (
            "tessera.domain.cohort.disclosure",
            "from tessera.domain.zones import seal_released\nseal_released(3)\n",
        ),
        (
            "tessera.node.answer",
            "from tessera.domain.zones import Released\n"
            "def answer(count: Released[int]) -> bool:\n    return isinstance(count, Released)\n",
        ),
    ],
)
def test_gates_may_seal_and_others_may_pass_sealed_values_on(module: str, text: str) -> None:
    assert not zone_breaches([made_module(module, text)])


def test_a_gate_of_one_kind_does_not_open_the_other() -> None:
    text = "from tessera.domain.zones import seal_released\n"
    assert zone_breaches([made_module("tessera.domain.deid.rules", text)])
    assert zone_breaches([made_module("tessera.domain.cohort.disclosures", text)])
    assert zone_breaches([made_module("tessera.domain.access.airlock_findings", text)])
    assert zone_breaches([made_module("tessera.node.airlock", text)])
    text = "from tessera.domain.zones import seal_deidentified\n"
    assert zone_breaches([made_module("tessera.domain.access.airlock", text)])


@pytest.mark.parametrize("sealed", [Deidentified, Released])
def test_a_sealed_value_cannot_be_built_by_hand(sealed: type[Deidentified[int]]) -> None:
    with pytest.raises(TypeError, match="by its gate"):
        sealed(3)
    with pytest.raises(TypeError, match="by its gate"):
        sealed(3, object())


@pytest.mark.parametrize("seal", [seal_deidentified, seal_released])
def test_a_sealed_value_cannot_be_changed_or_copied(seal: object) -> None:
    assert callable(seal)
    value = seal(3)
    with pytest.raises(AttributeError):
        value.value = 4
    with pytest.raises(AttributeError):
        value.note = "a new attribute"
    with pytest.raises(TypeError):
        copy.copy(value)


def test_the_text_form_of_an_identified_value_hides_it() -> None:
    secret = Identified("ANDERSSON^ANNA")
    shown = f"{secret!r} {secret!s} {secret} {[secret]} %s" % secret
    assert "ANDERSSON" not in shown and "ANNA" not in shown


def test_a_released_value_leaves_as_a_signed_message_and_never_as_a_pickle() -> None:
    released = seal_released(30)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="signed message"):
            pickle.dumps(released, protocol)
    with pytest.raises(TypeError):
        copy.deepcopy(released)


def test_a_deidentified_value_crosses_to_another_process_of_the_node_and_stays_sealed() -> None:
    back = pickle.loads(pickle.dumps(seal_deidentified("TES-1")))  # noqa: S301 - our own bytes
    assert isinstance(back, Deidentified) and back == seal_deidentified("TES-1")


def test_zones_are_never_equal_to_one_another() -> None:
    assert seal_deidentified(3) != seal_released(3)
    assert seal_released(3) == seal_released(3)
