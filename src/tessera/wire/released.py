"""The door of a message for what tells something about data. Pure."""

from typing import TypeVar

from tessera.domain.zones import Released

T = TypeVar("T")


def released(value: Released[T], kind: type[T]) -> T:
    """Return what may leave. Raises TypeError for anything else, whatever the type checker saw."""
    if not isinstance(value, Released) or not isinstance(value.value, kind):
        raise TypeError(f"a {kind.__name__} leaves the node only as Released[{kind.__name__}]")
    return value.value
