"""Who may use a route. Every route declares one rule; the application refuses to start else.

A rule says who may come in at all. Whether this person may see this very application or run is
decided by the use case behind the route.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from tessera.domain.access.people import Person, Role
from tessera.domain.errors import NotSignedIn, Refused
from tessera.http.form_token import SAFE, has_session, require_own_form, require_plain_form

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`roles`: one of them is needed; empty means everybody who is signed in."""

    name: str
    is_public: bool = False
    roles: frozenset[Role] = frozenset()


PUBLIC: Final = Rule("public", is_public=True)
SIGNED_BY_NODE: Final = Rule("signed by a node", is_public=True)
"""The message itself is signed; `hub/reception.py` checks it."""
SIGNED_IN: Final = Rule("signed in")


def needs(*roles: Role) -> Rule:
    """Return the rule that one of `roles` is needed."""
    return Rule(f"one of {', '.join(sorted(roles))}", roles=frozenset(roles))


class RuledRoute(Route):
    """A route that asks its rule before anything of the request is read.

    What changes something and comes with a session's cookie must also come from a page of
    this hub: other sites can make a browser send the cookie.
    """

    def __init__(
        self,
        path: str,
        endpoint: Endpoint,
        rule: Rule,
        *,
        methods: Collection[str] = ("GET",),
        name: str | None = None,
    ) -> None:
        async def guarded(request: Request) -> Response:
            require(rule, person_of(request))
            if request.method not in SAFE:
                await require_plain_form(request)
                if has_session(request):
                    await require_own_form(request)
            return await endpoint(request)

        super().__init__(path, guarded, methods=list(methods), name=name or endpoint.__name__)
        self.rule = rule


def person_of(request: Request) -> Person | None:
    """Return who is signed in: by a session or a token, both checked before this."""
    person = getattr(request.state, "person", None)
    return person if isinstance(person, Person) else None


def person_id_of(request: Request) -> str:
    """Return the id of who is signed in; empty for a visitor."""
    person = person_of(request)
    return person.person_id if person else ""


def signed_in(request: Request) -> Person:
    """Return who is signed in. Raises NotSignedIn; the route's rule has seen to it before."""
    person = person_of(request)
    if person is None:
        raise NotSignedIn("sign in first")
    return person


def require(rule: Rule, person: Person | None) -> None:
    """Raise NotSignedIn or Refused unless `person` fits the rule."""
    if rule.is_public:
        return
    if person is None:
        raise NotSignedIn("sign in first")
    if rule.roles and not any(person.has(role) for role in rule.roles):
        raise Refused(f"this needs {rule.name}")


def unruled(routes: Iterable[BaseRoute]) -> list[str]:
    """Return the paths of routes that declare no rule; files of a static mount need none."""
    return [
        getattr(route, "path", repr(route))
        for route in routes
        if not isinstance(route, RuledRoute)
        and not (isinstance(route, Mount) and route.name == "static")
    ]
