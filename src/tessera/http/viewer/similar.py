"""The page that describes a subject of the node, to ask a hub for patients like them.

Nothing is sent: who follows the link says to the hub what is in it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.cohort.fields import FIELDS, Kind
from tessera.domain.statistics.described import query_of
from tessera.http.condition_words import field_label, value_label
from tessera.http.desk.app import desk_page
from tessera.http.language import chosen_language, texts
from tessera.http.rendering import link
from tessera.http.rules import PUBLIC, RuledRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedPatient:
    """How a node describes one of its subjects, and whom that can be said to."""

    descriptions: tuple[Mapping[str, str], ...] = ()
    """One for each cancer: field → value, as the hub's form takes them."""
    hub_url: str = ""
    """Empty when the node has joined no hub."""
    is_out: bool = False
    """They have opted out: nothing is described."""

    def address(self, given: Mapping[str, str]) -> str:
        """Return the address of the hub's form, filled in and not yet asked."""
        return self.hub_url + link("similar", fill="yes", **given)


Describe = Callable[[str], DescribedPatient]
"""From a pseudonym of the node."""


def routes(describe: Describe, *, now: Callable[[], datetime]) -> list[RuledRoute]:
    """Return the page. The door before it guards."""

    async def similar(request: Request) -> Response:
        subject = request.query_params.get("subject", "")[:64]
        found = await asyncio.to_thread(describe, subject)
        words = texts(chosen_language(request))

        def said(field: str, value: str) -> tuple[str, str]:
            is_number = FIELDS[field].kind is Kind.NUMBER
            shown = value if is_number else value_label(field, value, words)
            return field_label(field, words), shown

        return desk_page(
            request,
            "viewer_similar.html",
            now=now(),
            subject=subject,
            found=found,
            described=[
                (
                    [said(*one) for one in given.items()],
                    query_of(given),
                    found.address(given) if found.hub_url else "",
                )
                for given in found.descriptions
            ],
        )

    return [RuledRoute("/similar", similar, PUBLIC)]
