"""The desk's review pages: what waits, one picture with its boxes, what is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Picture
from tessera.domain.errors import InvalidInput, NotFound
from tessera.http.desk.app import desk_page
from tessera.http.rendering import link
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.ports.ledger import LedgerEntry
from tessera.ports.review import Remembered, ReviewItem

_LONGEST_SIDE = 20_000
_MOST_BOXES = 200


class Reviews(Protocol):
    """What the pages ask for; every call may take a second or two."""

    def waiting(self) -> Sequence[ReviewItem]: ...

    def find(self, item_id: str) -> ReviewItem: ...

    def decide(
        self, item_id: str, decisions: Sequence[Decision], *, remember: bool
    ) -> LedgerEntry: ...

    def refuse(self, item_id: str) -> LedgerEntry: ...

    def remembered(self) -> Sequence[Remembered]: ...

    def forget(self, key: str) -> None: ...

    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """One box over a picture, in the picture's own pixels."""

    number: int
    x: float
    y: float
    width: float
    height: float
    action: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame: the picture as it came, with its boxes, and the one after if there is one."""

    frame: int
    before: int
    after: int | None
    width: int
    height: int
    scale: float
    boxes: tuple[Drawn, ...]


def routes(reviews: Reviews) -> list[RuledRoute]:
    """Return the review pages. The desk's key guards them all."""
    pages = _Pages(reviews)
    return [
        RuledRoute("/", pages.waiting, PUBLIC),
        RuledRoute("/items/{item_id}", pages.item, PUBLIC),
        RuledRoute("/items/{item_id}", pages.decide, PUBLIC, methods=("POST",)),
        RuledRoute("/items/{item_id}/pictures/{number:int}.png", pages.picture, PUBLIC),
        RuledRoute("/remembered", pages.remembered, PUBLIC),
        RuledRoute("/remembered", pages.forget, PUBLIC, methods=("POST",)),
    ]


class _Pages:
    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    async def waiting(self, request: Request) -> Response:
        return self._page(
            request,
            "desk_list.html",
            items=self._reviews.waiting(),
            done=request.query_params.get("done", ""),
        )

    async def item(self, request: Request) -> Response:
        return self._item(request, self._reviews.find(request.path_params["item_id"]))

    def _item(self, request: Request, item: ReviewItem, trouble: str = "") -> Response:
        names = [one.item_id for one in self._reviews.waiting()]
        place = names.index(item.item_id) if item.item_id in names else 0
        return self._page(
            request,
            "desk_item.html",
            status=422 if trouble else 200,
            item=item,
            findings=list(enumerate(item.findings, start=1)),
            shown=shown(item),
            trouble=trouble,
            again="again" in request.query_params,
            place=place + 1,
            n_waiting=len(names),
        )

    async def decide(self, request: Request) -> Response:
        item = self._reviews.find(request.path_params["item_id"])
        form = await request.form()
        if form.get("verdict") == "refuse":
            entry = self._reviews.refuse(item.item_id)
        else:
            try:
                decisions = decisions_of(form, item.findings)
            except InvalidInput as err:
                return self._item(request, item, str(err))
            entry = self._reviews.decide(
                item.item_id, decisions, remember=form.get("remember") == "yes"
            )
        if entry.state == "held":
            return RedirectResponse(link("items", item.item_id, again="yes"), 303)
        left = self._reviews.waiting()
        next_page = ("items", left[0].item_id) if left else ()
        return RedirectResponse(link(*next_page, done=str(entry.state)), 303)

    async def picture(self, request: Request) -> Response:
        item = self._reviews.find(request.path_params["item_id"])
        number = request.path_params["number"]
        if not 0 <= number < len(item.pictures):
            raise NotFound("there is no such picture")
        return Response(item.pictures[number].png.value, media_type="image/png")

    async def remembered(self, request: Request) -> Response:
        return self._page(request, "desk_remembered.html", rules=self._reviews.remembered())

    async def forget(self, request: Request) -> Response:
        form = await request.form()
        self._reviews.forget(str(form.get("layout", "")))
        return RedirectResponse("/remembered", 303)

    def _page(
        self, request: Request, template: str, *, status: int = 200, **values: object
    ) -> Response:
        return desk_page(request, template, now=self._reviews.now(), status=status, **values)


def decisions_of(form: FormData, findings: Sequence[Finding]) -> tuple[Decision, ...]:
    """Return one decision for each box found, and for each drawn. Raises InvalidInput."""
    decisions = []
    for number, finding in enumerate(findings, start=1):
        said = form.get(f"box-{number}")
        if said not in ("blank", "keep"):
            raise InvalidInput(f"box {number} is not decided")
        decisions.append(Decision(finding.box, said == "blank", finding.first, finding.last))
    drawn = str(form.get("more", "")).split()
    if len(drawn) > _MOST_BOXES:
        raise InvalidInput(f"more than {_MOST_BOXES} boxes were drawn")
    return (*decisions, *(Decision(_box(text), blank=True) for text in drawn))


def _box(text: str) -> Box:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        raise InvalidInput(f"{text[:40]!r} is no box: x,y,width,height in whole pixels")
    x, y, width, height = (min(int(part), _LONGEST_SIDE) for part in parts)
    if not width or not height:
        raise InvalidInput(f"{text[:40]!r} has no area")
    return Box(x, y, width, height)


def shown(item: ReviewItem) -> list[Shown]:
    """Return the frames of which there is a picture, with the boxes that lie on each."""
    frames = []
    for number, picture in enumerate(item.pictures):
        if picture.after:
            continue
        after = next(
            (n for n, p in enumerate(item.pictures) if p.after and p.frame == picture.frame), None
        )
        width, height = _png_size(picture)
        frames.append(
            Shown(
                frame=picture.frame,
                before=number,
                after=after,
                width=width,
                height=height,
                scale=picture.scale,
                boxes=tuple(
                    _drawn(n, one, picture.scale)
                    for n, one in enumerate(item.findings, start=1)
                    if one.first <= picture.frame <= one.last
                ),
            )
        )
    return frames


def _drawn(number: int, finding: Finding, scale: float) -> Drawn:
    box = finding.box
    return Drawn(
        number,
        round(box.x * scale, 1),
        round(box.y * scale, 1),
        round(box.width * scale, 1),
        round(box.height * scale, 1),
        finding.action,
    )


def _png_size(picture: Picture) -> tuple[int, int]:
    header = picture.png.value[16:24]
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")
