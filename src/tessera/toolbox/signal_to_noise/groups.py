"""Groups of subjects that are large enough to be told of. Pure."""

from collections.abc import Mapping


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
