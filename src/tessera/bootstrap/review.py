"""What a person says of a waiting picture, from a command line or a form, as decisions."""

from collections.abc import Sequence

from tessera.bootstrap.node import Node
from tessera.bootstrap.pixels import review_queue_of
from tessera.domain.deid.pixels.findings import Box, Decision
from tessera.domain.errors import InvalidInput
from tessera.node.pixel_pass import require_waiting


def decisions_of(
    node: Node, item_id: str, *, keep: Sequence[int], blank: Sequence[str]
) -> tuple[Decision, ...]:
    """Return one decision for each box found and for each box more.

    `keep` numbers boxes from 1 as the page and the list do. Raises NotFound, InvalidInput.
    """
    item = require_waiting(review_queue_of(node.home), item_id)
    unknown = [number for number in keep if not 1 <= number <= len(item.findings)]
    if unknown:
        raise InvalidInput(f"there is no box {unknown[0]}; there are {len(item.findings)}")
    found = tuple(
        Decision(one.box, number not in keep, one.first, one.last)
        for number, one in enumerate(item.findings, start=1)
    )
    return (*found, *(Decision(parse_box(text), blank=True) for text in blank))


def parse_box(text: str) -> Box:
    """Read "x,y,width,height". Raises InvalidInput."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        x = y = width = height = -1
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise InvalidInput(f"{text!r} is no box: x,y,width,height, whole numbers of pixels")
    return Box(x, y, width, height)
