"""The DICOMweb application: a door, then search, retrieve, store and capabilities."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from tessera.domain.errors import TesseraError
from tessera.http.dicomweb import capabilities, pictures, retrieve, search, store
from tessera.http.dicomweb.access import WebAccess
from tessera.http.dicomweb.service import DicomWeb
from tessera.http.errors import problem
from tessera.http.rules import unruled


def create_dicomweb(service: DicomWeb, *, operator_key: str = "") -> Starlette:
    """Return the application. `operator_key` opens it to the node's own pages, by cookie."""
    routes: list[BaseRoute] = [
        *search.routes(service),
        *pictures.routes(service),
        *retrieve.routes(service),
        *store.routes(service),
        *capabilities.routes(),
    ]
    if bare := unruled(routes):
        raise ValueError(f"routes without a rule: {', '.join(bare)}")
    return Starlette(
        routes=routes,
        middleware=[Middleware(WebAccess, service=service, operator_key=operator_key)],
        exception_handlers={TesseraError: problem, HTTPException: problem},
    )
