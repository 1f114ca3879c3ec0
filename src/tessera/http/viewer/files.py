"""The viewer's own files and its page: unchanged, as its makers built them, with strict headers."""

import base64
import re
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.errors import NotFound
from tessera.http.rules import PUBLIC, RuledRoute

PAGES: Final = ("/viewer", "/segmentation")
"""Addresses of the viewer's modes that the node links to; the viewer's own routes."""
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonc": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".xml": "text/xml; charset=utf-8",
    ".webapp": "application/manifest+json",
}
_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_HASHED: Final = re.compile(r"\b[0-9a-f]{16}\b")
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_FOREVER: Final = "private, max-age=31536000, immutable"
ISOLATED: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What a page needs before a browser lends it shared memory; nothing comes from elsewhere."""
_FRAMED: Final = {"X-Frame-Options": "SAMEORIGIN"}
"""The list of studies keeps the viewer started in a frame."""


def policy(page: bytes) -> str:
    """Return the Content-Security-Policy of the viewer's page.

    Its inline scripts are named by their hashes. Why the rest: `wasm-unsafe-eval` for the codecs,
    which are WebAssembly; `unsafe-eval` for libraries that write functions as text; workers from
    blobs for decoding; inline styles and images from data, which its interface makes.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(sha256(script).digest()).decode()}'"
        for script in _INLINE.findall(page)
    )
    return (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval' {hashes}; "
        "worker-src 'self' blob:; connect-src 'self' blob: data:; img-src 'self' data: blob:; "
        "style-src 'self' 'unsafe-inline'; font-src 'self' data:; manifest-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; object-src 'none'; frame-ancestors 'self'; "
        "form-action 'none'"
    )


def routes(folder: Path) -> list[RuledRoute]:
    """Return the routes of the viewer that is unpacked in `folder`. The door before them guards.

    The last route answers for every path of the viewer's own files, which its makers built to
    stand at the root of a host.
    """
    files = _Files(folder)
    pages = [RuledRoute(path, files.page, PUBLIC, name=path) for path in PAGES]
    return [
        *pages,
        RuledRoute("/app-config.js", files.config, PUBLIC),
        RuledRoute("/{path:path}", files.file, PUBLIC),
    ]


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = (
            resources.files("tessera.http").joinpath("static", "viewer-config.js").read_bytes()
        )

    async def page(self, request: Request) -> Response:
        path = self._folder / "index.html"
        if not path.is_file():
            raise NotFound("the viewer is not installed; install it: tessera node viewer install")
        body = path.read_bytes()
        headers = {**ISOLATED, **_FRAMED, "Content-Security-Policy": policy(body)}
        return _tagged(request, body, _TYPES[".html"], headers)

    async def config(self, request: Request) -> Response:
        return _tagged(request, self._settings, _TYPES[".js"], ISOLATED)

    async def file(self, request: Request) -> Response:
        name = request.path_params["path"]
        path = self._folder / name
        kind = _TYPES.get(path.suffix)
        if kind is None or not _SAFE.fullmatch(name) or not path.is_file():
            raise NotFound("there is no such page")
        stat = path.stat()
        tag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
        # A worker is held to the policy of its own file: without one it could reach other hosts.
        is_forever = bool(_HASHED.search(path.name))
        headers = {
            **ISOLATED,
            "Content-Security-Policy": policy(b""),
            "Cache-Control": _FOREVER if is_forever else "private, no-cache",
            "ETag": tag,
            "Vary": "Accept-Encoding",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        packed = path.with_name(path.name + ".gz")
        if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
            headers["Content-Encoding"] = "gzip"
            path = packed
        return Response(path.read_bytes(), 200, headers, kind)


def _tagged(request: Request, body: bytes, kind: str, more: dict[str, str]) -> Response:
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    headers = {**more, "ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(body, 200, headers, kind)
