"""The viewer's web application: its pages and DICOMweb under one origin, behind one key."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from tessera.http.desk.app import create_desk
from tessera.http.dicomweb.access import PREFIX
from tessera.http.dicomweb.app import create_dicomweb
from tessera.http.dicomweb.service import DicomWeb
from tessera.http.viewer import files, similar, studies


class ViewerApp:
    """Sends DICOMweb's requests through DICOMweb's door, all others through that of the pages."""

    def __init__(self, pages: ASGIApp, dicomweb: ASGIApp) -> None:
        self._pages = pages
        self._dicomweb = dicomweb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_dicomweb = path == PREFIX or path.startswith(PREFIX + "/")
        await (self._dicomweb if is_dicomweb else self._pages)(scope, receive, send)


def create_viewer(
    service: DicomWeb,
    folder: Path | None,
    *,
    key: str,
    name: str,
    now: Callable[[], datetime],
    describe: similar.Describe,
) -> ASGIApp:
    """Return the application. `folder` holds the unpacked viewer; None: it is not installed.

    `describe`: how a subject is described when a hub is asked for patients like them.
    """
    pages = create_desk(
        [
            *studies.routes(service, has_viewer=folder is not None),
            *similar.routes(describe, now=now),
        ],
        key=key,
        name=name,
        now=now,
        error_page="viewer_error.html",
        opened_by="tessera node viewer open",
        after=[] if folder is None else files.routes(folder),
    )
    return ViewerApp(pages, create_dicomweb(service, operator_key=key))
