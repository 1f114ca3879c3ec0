"""Runs of a script without blanks, as words. Pure."""

from collections.abc import Collection
from typing import Final

from tessera.domain.deid.text.common_words import CommonWords

_LONGEST: Final = 8
"""Signs of the longest word that the large table has."""
_PLACED: Final = frozenset(
    "右左両上中下前後内外肺胃腸脳膵脾腎肝胆癌腫瘍瘤炎症病痛径約像影域性状的側縁壁腔巣嚢膜弁管等及各他未有無"
)
"""Kanji that may stand in a row: side, organ, finding, suffix."""
_Segment = tuple[int, int, bool]


def split_run(
    run: str, listed: Collection[str], widest: int, common: CommonWords | None
) -> list[_Segment]:
    """Split a run into (start, end, known).

    The split that leaves the fewest characters unexplained, then the fewest words. Single
    characters in a row, or beside unknown ones, are one unknown word: names are made of them.
    What the curated files leave open is looked for in the large table; its words stay unknown
    when they touch what is still unknown.
    """
    unknown, found = _split(run, listed, widest, None)
    segments = _rejoined(run, found)
    if common is None or all(known for *_, known in segments):
        return segments
    _, found = _split(run, listed, widest, common)
    weak = [k and run[s:e] not in listed for s, e, k in found]
    segments = _rejoined(run, found)
    if unknown and any(weak):
        loose = {(s, e) for (s, e, _), is_weak in zip(found, weak, strict=True) if is_weak}
        segments = _doubted(run, segments, loose)
    return segments


def _split(
    run: str, listed: Collection[str], widest: int, common: CommonWords | None
) -> tuple[int, list[_Segment]]:
    size = len(run)
    reach = max(widest, _LONGEST) if common else widest
    best: list[tuple[int, int, int]] = [(0, 0, 0)] * (size + 1)  # unknown, words, length
    for start in range(size - 1, -1, -1):
        tail = best[start + 1]
        choice = (tail[0] + 1, tail[1] + 1, 0)
        for length in range(1, min(reach, size - start) + 1):
            word = run[start : start + length]
            rest = best[start + length]
            if rest[0] > choice[0]:
                continue
            if word in listed or (common and 1 < length <= _LONGEST and common.holds(word)):
                choice = min(choice, (rest[0], rest[1] + 1, -length))
        best[start] = choice
    found: list[_Segment] = []
    at = 0
    while at < size:
        length = -best[at][2]
        if not length and found and not found[-1][2]:
            found[-1] = (found[-1][0], at + 1, False)
        else:
            found.append((at, at + (length or 1), length > 0))
        at += length or 1
    return best[0][0], found


def _doubted(run: str, segments: list[_Segment], loose: set[tuple[int, int]]) -> list[_Segment]:
    """Join words of the large table with the unknown kanji that they touch."""
    doubted: list[_Segment] = []
    for at, (start, end, known) in enumerate(segments):
        if known and (start, end) in loose and end - start < 4:
            left = at > 0 and not segments[at - 1][2]
            right = at + 1 < len(segments) and not segments[at + 1][2]
            known = not (left or right)
        if not known and doubted and not doubted[-1][2]:
            doubted[-1] = (doubted[-1][0], end, False)
        else:
            doubted.append((start, end, known))
    return doubted


def _rejoined(run: str, segments: list[_Segment]) -> list[_Segment]:
    """Join single kanji that stand in a row or beside what nobody knows."""
    joined: list[_Segment] = []
    at = 0
    while at < len(segments):
        stop = at
        while stop < len(segments) and _is_loose(run, segments[stop]):
            stop += 1
        group = segments[at:stop]
        if len(group) > 1:
            alone = [run[s:e] for s, e, _ in group]
            if not all(k for *_, k in group) or not _PLACED.issuperset(alone):
                joined.append((group[0][0], group[-1][1], False))
            else:
                joined += group
            at = stop
        else:
            joined.append(segments[at])
            at += 1
    return joined


def _is_loose(run: str, segment: _Segment) -> bool:
    start, end, known = segment
    return (end - start == 1 and run[start] >= "\u3400") or not known
