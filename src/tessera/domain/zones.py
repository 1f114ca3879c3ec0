"""Which side of the line a value is on, as a type.

`Identified` may name a patient. `Deidentified` has been through `domain/deid`.
`Released` has been through a disclosure gate and may leave the node. Neither of
the last two can be built by calling the class: `seal_deidentified` and
`seal_released` do it, and `tests/architecture/test_zones.py` holds the list of
the modules that may name those two functions (decision record 0002).
"""

from typing import Final, Generic, NoReturn, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SEAL: Final = object()


class Identified(Generic[T_co]):
    """A value that may name a patient. Its text form never shows the value."""

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    @property
    def value(self) -> T_co:
        return self._value

    def __repr__(self) -> str:
        return "Identified(…)"


class _Sealed(Generic[T_co]):
    __slots__ = ("_value",)

    def __init__(self, value: T_co, seal: object = None) -> None:
        if seal is not _SEAL:
            raise TypeError(f"{type(self).__name__} is built by its gate, not by hand")
        self._value = value

    @property
    def value(self) -> T_co:
        return self._value

    def __copy__(self) -> NoReturn:
        raise TypeError("pass the same object on; a copy would need the gate")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._value == getattr(other, "_value", None)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"


class Deidentified(_Sealed[T_co]):
    """A value that has been through a de-identification rule of `domain/deid`."""

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process boundary inside the node (worker to main process)."""
        return (seal_deidentified, (self._value,))


class Released(_Sealed[T_co]):
    """A value that has been through a disclosure gate and may leave the node."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a released value leaves as a signed message, never as a pickle")


def seal_deidentified(value: T) -> Deidentified[T]:
    """Mark `value` as de-identified. Only for the gates in `domain/deid`."""
    return Deidentified(value, _SEAL)


def seal_released(value: T) -> Released[T]:
    """Mark `value` as released. Only for disclosure gates."""
    return Released(value, _SEAL)
