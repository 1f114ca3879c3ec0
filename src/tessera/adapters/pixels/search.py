"""Find every line of text in an instance's frames and say what is to become of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tessera.adapters.pixels.blanking import margin_of
from tessera.adapters.pixels.candidates import candidates, is_written, merged
from tessera.adapters.pixels.codec import Frames
from tessera.adapters.pixels.following import Following
from tessera.adapters.pixels.opened import Opened
from tessera.adapters.pixels.reading import Reading
from tessera.adapters.pixels.strokes import has_strokes
from tessera.adapters.pixels.views import Picture8, views
from tessera.domain.deid.pixels.findings import Action, Box, Decision, Finding
from tessera.domain.deid.pixels.judge import PixelPolicy, TextJudge, is_text, judged
from tessera.domain.deid.pixels.labels import with_labels
from tessera.domain.deid.pixels.marks import HarmlessMarks
from tessera.domain.deid.pixels.places import (
    Band,
    first_places,
    is_screen_like,
    probed_tiles,
)
from tessera.domain.imaging.structure import PixelStructure
from tessera.domain.zones import Identified
from tessera.ports.text_reader import ReadText

_LEAST_ROWS, _LEAST_COLUMNS = 12, 24
"""A smaller frame has no room for a name."""


_HALF_READ = 0.7
_LITTLE = 0.15
_MOST_SMALL = 700_000
"""Pixels of a picture that are read at twice the size."""
_SMALL = 28
"""Height in pixels, margin and all, up to which a line counts as small."""
_SMALL_SCORE = 0.55
"""A short small line must be read at least that well: grain has many short shapes."""
_ONE_SMALL = 40_000
"""Of one place, when all places together are more than that."""
_LONGER = 8
"""Lines of one picture that are followed beyond the place they were found in."""
_FEW_SIGNS = 3
"""Letters that are read into grain and crossing edges, at most."""
_CLOSE = 6
"""Pixels beside a blanked box within which what is left of letters would be. What cannot be read
counts only when half of it is there; else grain beside a flat box would be blanked, box by box."""
_NOTHING_KNOWN = frozenset(("unreadable", "large-area", "unknown-words"))
_UNREAD = frozenset(("unreadable", "other-script", "large-area"))


class TooMuchText(Exception):
    """More would have to be read than one instance is given time for."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What decides about lines of one instance."""

    judge: TextJudge
    marks: HarmlessMarks
    policy: PixelPolicy

    def finding(self, line: ReadText, frame: int, rows: int, columns: int) -> Finding | None:
        """Return what is found in a line; None when it is no text at all."""
        if not is_text(line.text, line.score, line.width, line.height, rows):
            return None
        box = Box(line.x, line.y, line.width, line.height).grown(0, rows, columns)
        share = box.area / (rows * columns)
        action, reason = judged(line.text, line.score, share, self.judge, self.marks, self.policy)
        return Finding(
            frame, frame, box, Identified(line.text), round(line.score, 3), action, reason
        )


def search(
    opened: Opened,
    structure: PixelStructure,
    frames: Frames,
    reading: Reading,
    judgement: Judgement,
    bands: Sequence[Band],
) -> list[Finding]:
    """Return the findings of all frames, decoded one after the other.

    Of the tiles of a slide some are read, and all when anything is found in those.

    Raises NotDecoded, and TooMuchText when the policy's bound is reached.
    """
    rows, columns = structure.rows, structure.columns
    if rows < _LEAST_ROWS or columns < _LEAST_COLUMNS:
        return []
    everything = range(structure.frames)
    numbers = probed_tiles(opened.header, structure.frames)
    looked_at = (opened, structure, frames, reading, judgement, bands)
    found = _search(*looked_at, numbers)
    if found and len(numbers) < len(everything):
        found = _search(*looked_at, everything)
    return with_labels(found, judgement.marks)


def _search(
    opened: Opened,
    structure: PixelStructure,
    frames: Frames,
    reading: Reading,
    judgement: Judgement,
    bands: Sequence[Band],
    numbers: Sequence[int],
) -> list[Finding]:
    rows, columns = structure.rows, structure.columns
    following = Following(rows, columns)
    soft = is_screen_like(opened.header)
    for number in numbers:
        stored, photometric = frames.decode(opened.source, structure, number)
        pictures = views(stored, photometric, structure, opened.palette)
        following.move_on(number, pictures[0])
        lines, read = _lines(opened, structure, pictures, following, reading, bands, number)
        following.was_read(pictures[0], read)
        here = [f for line in lines if (f := judgement.finding(line, number, rows, columns))]
        sure = _blanked_anyway(here, judgement.policy.sure, rows, columns)
        for found in here:
            if (soft or _is_sure(found, pictures)) and _may_be_text(found, pictures, sure):
                following.add(found, pictures[0])
        if reading.pixels > judgement.policy.most_reading:
            raise TooMuchText
    return following.findings


def _is_sure(finding: Finding, pictures: Sequence[Picture8]) -> bool:
    """True unless nothing was read and there are no steep edges: anatomy, then, not letters."""
    unread = finding.reason in _UNREAD
    return (
        not unread
        or finding.score >= _HALF_READ
        or any(is_written(picture, finding.box) for picture in pictures)
    )


def _blanked_anyway(here: Sequence[Finding], sure: float, rows: int, columns: int) -> list[Box]:
    """Return the places that are blanked whatever stands beside them, margin and all."""
    return [
        f.box.grown(margin_of(f.box), rows, columns)
        for f in here
        if f.action == "blank" and f.score >= sure and not _is_next_to_nothing(f)
    ]


def _is_next_to_nothing(finding: Finding) -> bool:
    """True for a few signs that say nothing: letters that are read into grain or edges."""
    signs = sum(c.isalnum() for c in finding.text.value)
    return finding.reason in _NOTHING_KNOWN and signs <= _FEW_SIGNS


def _may_be_text(finding: Finding, pictures: Sequence[Picture8], beside: Sequence[Box]) -> bool:
    """True unless next to nothing was read where no strokes are: edges that cross, or grain.

    Places `beside` it are blanked anyway and count no more. Anything of more than three signs
    stays in, and so does what stands out like a letter in any view.
    """
    return not _is_next_to_nothing(finding) or any(
        has_strokes(picture, finding.box, beside) for picture in pictures
    )


def _lines(
    opened: Opened,
    structure: PixelStructure,
    pictures: Sequence[Picture8],
    following: Following,
    reading: Reading,
    bands: Sequence[Band],
    number: int,
) -> tuple[list[ReadText], list[Box]]:
    rows, columns = structure.rows, structure.columns
    lines: list[ReadText] = []
    read: list[Box] = []
    for index, picture in enumerate(pictures):
        boxes = candidates(picture)
        if number == 0 and index == 0:
            places = first_places(opened.header, bands, rows, columns)
            boxes += [b for b in places if _has_marks(picture, b)]
        fresh = merged(following.fresh(boxes), rows, columns)
        first = [line for line in reading.places(picture, fresh) if _plain(line, rows)]
        lines += _to_their_ends(picture, first, fresh, reading)
        read += fresh
        soft = rows * columns > 600_000 and is_screen_like(opened.header)
        if number == 0 and index == 0 and soft and boxes:
            lines += [line for line in reading.whole(picture) if not _is_within(line, lines)]
        if fresh:
            lines += _small_lines(picture, fresh, lines, reading, is_first=number == 0)
    return _each_once(lines), read


def _to_their_ends(
    picture: Picture8, lines: Sequence[ReadText], places: Sequence[Box], reading: Reading
) -> list[ReadText]:
    """Return the lines, those that run on beyond the place they were found in read again whole.

    Faint letters over anatomy are found in part; where one part is, the rest is not far.
    """
    rows, columns = picture.shape[:2]
    longer = [
        Box(line.x, line.y, line.width, line.height).grown(4 * line.height, rows, columns)
        for line in lines
        if line.score >= _HALF_READ
        and sum(c.isalnum() for c in line.text) > _FEW_SIGNS
        and line.width >= line.height
        and _runs_on(line, places, columns)
    ]
    if not longer:
        return list(lines)
    again = [line for line in reading.places(picture, longer[:_LONGER]) if _plain(line, rows)]
    return [line for line in lines if not _is_part(line, again)] + again


def _runs_on(line: ReadText, places: Sequence[Box], columns: int) -> bool:
    left, right, middle = line.x, line.x + line.width, line.y + line.height // 2
    for place in places:
        end = place.x + place.width
        if place.y <= middle <= place.y + place.height and place.x <= left <= right <= end + 1:
            return (left <= place.x and left > 2) or (right >= end and right < columns - 2)
    return False


def _is_part(line: ReadText, others: Sequence[ReadText]) -> bool:
    """True when the same line was read again, not worse, and at least as long."""
    box = Box(line.x, line.y, line.width, line.height)
    return any(
        other.score >= min(line.score, 0.8)
        and len(other.text) >= len(line.text)
        and 10 * box.shared(Box(other.x, other.y, other.width, other.height)) >= 9 * box.area
        for other in others
    )


def _small_lines(
    picture: Picture8,
    fresh: Sequence[Box],
    lines: Sequence[ReadText],
    reading: Reading,
    *,
    is_first: bool,
) -> list[ReadText]:
    """Return small letters that the first reading overlooked, for example over anatomy.

    What was read is covered first, so that nothing is read twice. In later frames only where
    little is new: a scene that moves would cost as much again in every frame.
    """
    rows, columns = picture.shape[:2]
    if not is_first and sum(b.area for b in fresh) > _LITTLE * rows * columns:
        return []
    covered = picture.copy()
    for line in lines:
        if line.score >= _HALF_READ:
            box = Box(line.x, line.y, line.width, line.height).grown(1, rows, columns)
            ring = picture[box.y : box.y + box.height, [box.x, box.x + box.width - 1]]
            covered[box.y : box.y + box.height, box.x : box.x + box.width] = np.median(
                ring, axis=(0, 1)
            )
    boxes = [
        Box(b.x + place.x, b.y + place.y, b.width, b.height)
        for place in fresh
        for b in candidates(
            covered[place.y : place.y + place.height, place.x : place.x + place.width], (1,)
        )
    ]
    places = merged(boxes, rows, columns)
    if sum(b.area for b in places) > _MOST_SMALL:
        places = [b for b in places if b.area <= _ONE_SMALL]
    if sum(b.area for b in places) > _MOST_SMALL:
        return []
    found = reading.small(covered, places) if places else []
    return [
        line
        for line in found
        if line.height <= _SMALL
        and _is_small_text(line)
        and _plain(line, rows)
        and not _is_within(line, lines)
    ]


def _is_small_text(line: ReadText) -> bool:
    signs = sum(c.isalnum() for c in line.text)
    return line.width >= 5 * line.height or (signs > 1 and line.score >= _SMALL_SCORE)


def _plain(line: ReadText, rows: int) -> bool:
    return is_text(line.text, line.score, line.width, line.height, rows)


def _is_within(line: ReadText, others: Sequence[ReadText]) -> bool:
    """True when something was read there at full size, which is the better reading."""
    box = Box(line.x, line.y, line.width, line.height)
    shared = (box.shared(Box(o.x, o.y, o.width, o.height)) for o in others)
    return 2 * max(shared, default=0) > box.area


def _has_marks(picture: Picture8, box: Box) -> bool:
    part = picture[box.y : box.y + box.height, box.x : box.x + box.width]
    return part.size > 0 and int(part.max()) - int(part.min()) > 8


def _each_once(lines: Sequence[ReadText]) -> list[ReadText]:
    """Return the lines without those that were read twice, alike, at one place."""
    out: list[ReadText] = []
    for line in lines:
        box = Box(line.x, line.y, line.width, line.height)
        twin = any(
            other.text == line.text
            and 10 * box.shared(Box(other.x, other.y, other.width, other.height)) > 7 * box.area
            for other in out
        )
        if not twin:
            out.append(line)
    return out


def left_over(
    picture: Picture8,
    blanked: Sequence[Box],
    kept: Sequence[Box],
    reading: Reading,
    judgement: Judgement,
    frame: int,
) -> list[Finding]:
    """Return what can still be read close to blanked boxes and should not be there.

    Lines farther away were judged before; `kept` are those that stay and were not cut.
    """
    rows, columns = picture.shape[:2]
    around = merged([b.grown(max(12, b.height), rows, columns) for b in blanked], rows, columns)
    close = [b.grown(_CLOSE, rows, columns) for b in blanked]
    cut = [b.grown(margin_of(b), rows, columns) for b in blanked]
    found = []
    for line in _each_once(reading.places(picture, around)):
        finding = judgement.finding(line, frame, rows, columns)
        if finding is None or finding.action == "keep":
            continue
        box = finding.box
        read = finding.reason not in _UNREAD or finding.score >= _HALF_READ
        part = 1 if read else box.area / 2
        near = any(b.shared(box) >= part for b in close)
        whole = any(2 * k.shared(box) > box.area for k in kept)
        if not near or whole or _is_flat(picture, box):
            continue
        if is_written(picture, box) and _may_be_text(finding, (picture,), cut):
            found.append(replace(finding, action="blank", reason="left-over"))
    return found


def _is_flat(picture: Picture8, box: Box) -> bool:
    part = picture[box.y : box.y + box.height, box.x : box.x + box.width]
    return part.size == 0 or int(np.ptp(part)) < 6


def decided(
    findings: Sequence[Finding],
    decisions: Sequence[Decision],
    remembered: Sequence[Decision],
    frames: int,
) -> list[Finding]:
    """Return the findings after what persons decided.

    A decision of now overrides anything it covers. A remembered one only keeps or blanks what
    was not recognised as naming somebody. Boxes to be blanked are blanked even when nothing
    was read in them.
    """
    out = []
    for finding in findings:
        choice = next((d for d in decisions if d.covers(finding)), None)
        if choice is not None:
            finding = replace(finding, action=_chosen(choice), reason="decided")
        elif finding.reason in _OPEN_REASONS:
            old = next((d for d in remembered if d.covers(finding)), None)
            if old is not None:
                finding = replace(finding, action=_chosen(old), reason="remembered")
        out.append(finding)
    for decision, reason in (
        *((d, "decided") for d in decisions),
        *((d, "remembered") for d in remembered),
    ):
        if decision.blank:
            last = frames - 1 if decision.last is None else min(decision.last, frames - 1)
            nothing = Identified("")
            out.append(Finding(decision.first, last, decision.box, nothing, 1.0, "blank", reason))
    return out


def _chosen(decision: Decision) -> Action:
    return "blank" if decision.blank else "keep"


_OPEN_REASONS = frozenset(("unknown-words", "unreadable", "other-script", "large-area"))
"""Reasons that say that nobody knows, not that somebody is named."""
