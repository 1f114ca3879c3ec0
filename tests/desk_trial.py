"""A desk to try: real pictures in a real queue, decisions kept in memory of what was asked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw
from starlette.applications import Starlette

from tessera.adapters.sqlite_review import SqliteReviewQueue
from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Layout, Picture
from tessera.domain.zones import Identified
from tessera.http.desk import review
from tessera.http.desk.app import create_desk
from tessera.ports.ledger import LedgerEntry, SourceFile, State
from tessera.ports.review import Remembered, ReviewItem

KEY = "a-key-of-the-desk-for-one-afternoon"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
LAYOUT = Layout("Acme", "Echo 5", "1.2", "US", "1.2.840.10008.5.1.4.1.1.6.1", 480, 640, "RGB")
LINES = (
    (12, 8, "ÅNGSTRÖM ÅSA 640823-3234", "blank", "names-somebody", 0.97),
    (470, 8, "2021-03-14 10:22", "blank", "date", 0.99),
    (12, 440, "MI 0.8  TIS 0.4", "keep", "harmless-mark", 0.98),
    (250, 210, "Kn?ga p4 hoger", "unsure", "unreadable", 0.41),
)


def picture(after: bool) -> bytes:
    image = Image.radial_gradient("L").resize((640, 480)).point(lambda v: 255 - v // 2)
    draw = ImageDraw.Draw(image)
    for x, y, text, action, _, _ in LINES:
        draw.text((x, y), text, fill=255, font_size=18)
        if after and action != "keep":
            draw.rectangle((x - 4, y - 2, x + 10 * len(text), y + 22), fill=0)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def waiting_item(name: str, reason: str = "unsure") -> ReviewItem:
    source = SourceFile(path=f"/pacs/{name}", size=10, modified_ns=5)
    return ReviewItem(
        entry=LedgerEntry(source=source, state=State.HELD, quarantine=f"{name}.dcm"),
        reason=reason,
        layout=LAYOUT,
        findings=tuple(
            Finding(0, 3, Box(x, y, 10 * len(text), 22), Identified(text), score, action, why)  # type: ignore[arg-type]
            for x, y, text, action, why, score in LINES
        ),
        pictures=(
            Picture(0, Identified(picture(after=False)), 1.0, after=False),
            Picture(0, Identified(picture(after=True)), 1.0, after=True),
        ),
        since=NOW - timedelta(hours=3),
    )


class TriedReviews:
    """Over a real queue; what the pixel stage would do is written down instead of done."""

    def __init__(self, folder: Path) -> None:
        self.queue = SqliteReviewQueue(folder / "review.sqlite")
        self.asked: list[tuple[str, tuple[Decision, ...], bool]] = []

    def waiting(self) -> Sequence[ReviewItem]:
        return self.queue.waiting()

    def find(self, item_id: str) -> ReviewItem:
        return self.queue.find(item_id)

    def decide(self, item_id: str, decisions: Sequence[Decision], *, remember: bool) -> LedgerEntry:
        self.asked.append((item_id, tuple(decisions), remember))
        item = self.queue.find(item_id)
        self.queue.close([item_id], "cleaned", "anna", NOW)
        if remember:
            self.queue.remember(Remembered(item.layout, tuple(decisions), "anna", NOW))
        return LedgerEntry(source=item.entry.source, state=State.STORED)

    def refuse(self, item_id: str) -> LedgerEntry:
        item = self.queue.find(item_id)
        self.queue.close([item_id], "refused", "anna", NOW)
        return LedgerEntry(source=item.entry.source, state=State.REFUSED)

    def remembered(self) -> Sequence[Remembered]:
        return self.queue.remembered()

    def forget(self, key: str) -> None:
        self.queue.forget(key)

    def now(self) -> datetime:
        return NOW


class Visitor:
    """A browser with its cookies, in this process."""

    def __init__(self, app: Starlette, base_url: str, *, follows: bool = True) -> None:
        self._app, self._base, self._follows = app, base_url, follows
        self.cookies = httpx.Cookies()

    def get(self, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **how))

    def post(self, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **how))

    async def _ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url=self._base,
            cookies=self.cookies,
            follow_redirects=self._follows,
        ) as client:
            answer = await client.request(method, path, **how)
            self.cookies.update(client.cookies)
        return answer


def tried_desk(reviews: TriedReviews) -> Starlette:
    return create_desk(
        review.routes(reviews), key=KEY, name="Universitetssjukhuset", now=reviews.now
    )
