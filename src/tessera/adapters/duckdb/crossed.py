"""The cells of a cut from the values of each subject, one subject after another."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tessera.domain.cohort.fields import Value
from tessera.domain.statistics.cut import ENDED, SPARED, UNKNOWN, Cut, cell

Values = Sequence[tuple[Value, str, bool]]
"""A value, whose it is, and whether that is one of the subjects asked about."""


def crossed(cut: Cut, subjects: Iterable[str], values: Mapping[str, Values]) -> dict[str, set[str]]:
    """Return the subjects in each cell that has some."""
    axes = [(axis.values, _each(values[axis.field], axis.place_of)) for axis in cut.axes]
    found: dict[str, set[str]] = {}
    steps = cut.steps
    reached: dict[str, int] = {}
    ended: dict[str, int] = {}
    if steps is not None:

        def passed(value: Value) -> int:
            return sum(float(value) >= edge for edge in steps.edges)

        reached = _each(values[steps.field], passed)
        if steps.until:
            ended = _each(values[steps.until], lambda value: int(value == "yes"))
    for subject in subjects:
        group = tuple(
            labels[places[subject]] if subject in places else UNKNOWN for labels, places in axes
        )
        names = []
        if steps is None:
            names.append(cell(group))
        elif subject in reached and (not steps.until or subject in ended):
            n_passed = reached[subject]
            names += [cell(group, edge) for edge in steps.edges[:n_passed]]
            if steps.until:
                spared = steps.edges[:n_passed] if ended[subject] else steps.edges
                names += [cell(group, edge, SPARED) for edge in spared]
                names += [cell(group, edge, ENDED) for edge in steps.edges[len(spared) :]]
        for name in names:
            found.setdefault(name, set()).add(subject)
    return found


def _each(values: Values, place_of: Callable[[Value], int]) -> dict[str, int]:
    """Return the one place of each subject's values; who has none or several is left out."""
    found: dict[str, set[int]] = {}
    for value, who, is_in in values:
        if is_in and (place := place_of(value)) >= 0:
            found.setdefault(who, set()).add(place)
    return {who: places.pop() for who, places in found.items() if len(places) == 1}
