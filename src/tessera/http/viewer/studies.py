"""The page that lists the studies of the research zone, with a picture of each."""

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.dicomweb.query import web_query
from tessera.domain.errors import InvalidInput
from tessera.http.desk.app import desk_page
from tessera.http.dicomweb.service import DicomWeb
from tessera.http.rendering import link
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.http.viewer.files import ISOLATED
from tessera.ports.web_index import Sight

PAGE_SIZE: Final = 24
MODALITIES: Final = ("CT", "MR", "PT", "MG", "US", "CR", "DX", "NM", "SM", "SEG", "SR", "RTSTRUCT")
"""Offered as a filter."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_WILD: Final = re.compile(r"[*?\\]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for; days as an `<input type=date>` writes them."""

    subject: str = ""
    modality: str = ""
    description: str = ""
    first: str = ""
    last: str = ""
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        return any((self.subject, self.modality, self.description, self.first, self.last))

    def address(self, page: int) -> str:
        """Return the list's address for the same filters at another page."""
        return link(
            subject=self.subject,
            modality=self.modality,
            description=self.description,
            first=self.first,
            last=self.last,
            page=page if page > 1 else "",
        )


@dataclass(frozen=True, slots=True)
class Study:
    """One line of the list."""

    uid: str
    subject: str
    day: str
    description: str
    modalities: tuple[str, ...]
    n_series: int
    n_instances: int

    @property
    def picture(self) -> str:
        return link("dicom-web", "studies", self.uid, "thumbnail")

    @property
    def opened(self) -> str:
        return link("viewer", StudyInstanceUIDs=self.uid)


def wanted(request: Request) -> Wanted:
    """Return what is asked for; what cannot be meant is passed over."""
    given = request.query_params
    days = [given.get(name, "") for name in ("first", "last")]
    first, last = (day if _DAY.fullmatch(day) else "" for day in days)
    page = given.get("page", "1")
    return Wanted(
        subject=_WILD.sub("", given.get("subject", ""))[:64].strip(),
        modality=given.get("modality", "") if given.get("modality") in MODALITIES else "",
        description=_WILD.sub("", given.get("description", ""))[:64].strip(),
        first=first,
        last=last,
        page=int(page) if page.isascii() and page.isdigit() and 0 < int(page[:6]) < 100_000 else 1,
    )


def parameters(asked: Wanted) -> list[tuple[str, str]]:
    """Return the same as parameters of a QIDO-RS search."""
    limits = [("limit", str(PAGE_SIZE)), ("offset", str(PAGE_SIZE * (asked.page - 1)))]
    first, last = (day.replace("-", "") for day in (asked.first, asked.last))
    given = [
        ("PatientID", f"*{asked.subject}*" if asked.subject else ""),
        ("ModalitiesInStudy", asked.modality),
        ("StudyDescription", f"*{asked.description}*" if asked.description else ""),
        ("StudyDate", f"{first}-{last}" if first or last else ""),
    ]
    return [*limits, *(one for one in given if one[1])]


def study_of(answer: bytes) -> Study:
    """Return the line of one answer of a search. Source: PS3.18 table 10.6.3-3."""
    found = json.loads(answer)

    def values(tag: str) -> list[object]:
        return list(found.get(tag, {}).get("Value", ()))

    def text(tag: str) -> str:
        return str(next(iter(values(tag)), ""))

    def number(tag: str) -> int:
        value = text(tag)
        return int(value) if value.isdigit() else 0

    return Study(
        uid=text("0020000D"),
        subject=text("00100020"),
        day=_day(text("00080020")),
        description=text("00081030"),
        modalities=tuple(str(one) for one in values("00080061")),
        n_series=number("00201206"),
        n_instances=number("00201208"),
    )


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def routes(service: DicomWeb, *, has_viewer: bool) -> list[RuledRoute]:
    """Return the page. The door before it guards."""

    def found(asked: Wanted) -> tuple[list[Study], bool]:
        query = web_query("studies", parameters(asked))
        page = service.index.search(query, Sight("", service.hidden()), "")
        return [study_of(one) for one in page.answers], page.has_more

    async def studies(request: Request) -> Response:
        asked, trouble = wanted(request), False
        try:
            lines, has_more = await asyncio.to_thread(found, asked)
        except InvalidInput:  # a search that would take too long
            lines, has_more, trouble = [], False, True
        answer = desk_page(
            request,
            "viewer_list.html",
            now=service.now(),
            status=422 if trouble else 200,
            asked=asked,
            studies=lines,
            modalities=MODALITIES,
            trouble=trouble,
            before=asked.address(asked.page - 1) if asked.page > 1 else "",
            after=asked.address(asked.page + 1) if has_more else "",
            has_viewer=has_viewer,
        )
        answer.headers.update(ISOLATED)  # the frame is isolated only if what is around it is
        return answer

    return [RuledRoute("/", studies, PUBLIC)]
