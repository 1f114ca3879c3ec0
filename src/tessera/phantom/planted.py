"""The record of every identity string that goes into a patient's files.

A writer passes each such string through `Planted`, so that truth.json lists what
is really there, in the very form it has there.
"""

from dataclasses import dataclass, field

_GREEK = dict(
    zip(
        "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
        "A V G D E Z I TH I K L M N X O P R S T Y F CH PS O".split(),
        strict=True,
    )
)
_FOLDED = str.maketrans(
    "ÁÀÂÄÅÃÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇÝȦΆΈΉΊΌΎΏΪΫ", "AAAAAAEEEEIIIIOOOOOUUUUNCYAΑΕΗΙΟΥΩΙΥ"
)


def romanised(text: str) -> str:
    """`text` in capital letters A to Z, as older devices and burned-in lines write names."""
    return "".join(_GREEK.get(c, c) for c in text.upper().translate(_FOLDED))


@dataclass(slots=True)
class Planted:
    """Identity strings by kind, each once, in the order planted."""

    strings: dict[tuple[str, str], None] = field(default_factory=dict)

    def add(self, kind: str, value: str) -> str:
        """Remember `value` as an identity of `kind`, and hand it back."""
        if value:
            self.strings[(kind, value)] = None
        return value

    def as_truth(self) -> list[dict[str, str]]:
        return [{"kind": kind, "value": value} for kind, value in self.strings]
