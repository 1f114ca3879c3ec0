"""Groups of subjects that are large enough to be told of. Pure."""

from collections.abc import Mapping, Sequence


def told_groups(group_of: Mapping[str, str], minimum: int) -> dict[str, list[str]]:
    """Return group → subjects, from subject → group.

    Groups under `minimum` go together as "others", with the smallest of the rest while those
    are too few as well: else they could be had by subtracting from the whole. Nothing is left
    when no group is large enough by itself.
    """
    groups: dict[str, list[str]] = {}
    for subject in sorted(group_of):
        groups.setdefault(group_of[subject], []).append(subject)
    by_size = sorted(groups, key=lambda name: (len(groups[name]), name))
    others: list[str] = []
    while by_size and (len(groups[by_size[0]]) < minimum or 0 < len(others) < minimum):
        others += groups.pop(by_size.pop(0))
    if groups and others:
        groups["others"] = others
    return groups


def told_count(n: int, minimum: int) -> int:
    """Return a number of subjects as it may be told: down to a multiple of `minimum`."""
    return n - n % minimum


def neighbours(
    group_of: Mapping[str, str], order: Sequence[str], minimum: int
) -> dict[str, list[str]]:
    """Return range → subjects: values in their order, joined until each range is large enough.

    A range is named by its ends, "20–59" or "II–IV". Values not in `order` are left out.
    """
    ranges: list[tuple[list[str], list[str]]] = []
    for value in order:
        who = sorted(subject for subject, found in group_of.items() if found == value)
        if not ranges or len(ranges[-1][1]) >= minimum:
            ranges.append(([], []))
        if who or ranges[-1][0]:
            ranges[-1][0].append(value)
            ranges[-1][1].extend(who)
    if len(ranges) > 1 and len(ranges[-1][1]) < minimum:
        values, who = ranges.pop()
        ranges[-1][0].extend(values)
        ranges[-1][1].extend(who)
    held = set(group_of.values())
    return {
        _range([value for value in values if value in held]): who
        for values, who in ranges
        if len(who) >= minimum
    }


def _range(values: Sequence[str]) -> str:
    first, last = values[0].split("–")[0], values[-1].split("–")[-1]
    return first if first == last else f"{first}–{last}"
