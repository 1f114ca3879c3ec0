"""A route without a declared rule fails the build, and so does a rule that nobody asks."""

import ast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from tessera.http.rules import PUBLIC, RuledRoute, unruled
from tests.architecture.source import Breach, Module, made_module, product_modules, report

MAKERS = {"Route", "WebSocketRoute", "Router", "add_route", "route"}
"""Ways of Starlette to make a route that has no rule."""
MAY_NAME = {"tessera.http.rules"}


def bare_routes(modules: list[Module]) -> list[Breach]:
    return [
        Breach(module.name, node.lineno, "makes a route without a rule: use RuledRoute")
        for module in modules
        if module.name not in MAY_NAME
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in MAKERS
    ]


def test_every_route_of_the_source_declares_its_rule() -> None:
    found = bare_routes(product_modules("tessera"))
    assert not found, report(found)


@pytest.mark.parametrize(
    "text",
    ["Route('/x', f)", "routing.Route('/x', f)", "app.add_route('/x', f)", "Router([])"],
)
def test_a_bare_route_is_seen(text: str) -> None:
    assert bare_routes([made_module("tessera.http.new", text)])


async def _page(request: Request) -> Response:
    return Response("x")


def test_an_application_with_a_bare_route_does_not_start() -> None:
    ruled, bare = RuledRoute("/a", _page, PUBLIC), Route("/b", _page)
    assert unruled([ruled, bare, Mount("/sub", Starlette())]) == ["/b", "/sub"]
