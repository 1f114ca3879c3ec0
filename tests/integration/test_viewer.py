"""The viewer at a node: its door, its page in two languages, and a study with a segmentation."""

import io
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image

from tessera.adapters.viewer.package import installed_folder
from tessera.bootstrap.dicomweb import NodeDicomWeb, server_for
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.viewer import install_viewer, viewer_of
from tessera.phantom import PhantomSpec, generate
from tests.browser_trial import Visitor, chromium, opened_browser, picture_folder
from tests.web_trial import make_node

KEY = "a-key-that-lasts-as-long-as-this-test"


@contextmanager
def opened(node: Node) -> Iterator[tuple[NodeDicomWeb, str]]:
    """Serve the viewer's pages of a node."""
    service = NodeDicomWeb(node)
    for _ in service.describe():
        pass
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = server_for(viewer_of(node, service, KEY))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield service, f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)


def client(base: str, key: str = KEY, language: str = "en") -> httpx.Client:
    return httpx.Client(
        base_url=base,
        trust_env=False,
        headers={"Accept-Language": language},
        cookies={"tessera_desk": key} if key else {},
    )


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    folder = tmp_path_factory.mktemp("viewer")
    generate(folder / "site", PhantomSpec(n_patients=1, seed=1), workers=1)
    return make_node(folder, segmented(folder / "site" / "pacs", "CT"))


def segmented(export: Path, modality: str) -> list[Path]:
    """Return the files of a series of images, with the segmentation of the same study."""
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(one for one in export.rglob("*") if one.is_file()):
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        key = str(header.get("StudyInstanceUID")), str(header.get("Modality"))
        found.setdefault(key, []).append(file)
    study = next(uid for uid, kind in found if kind == modality)
    return [*found[study, modality], *found[study, "SEG"]]


@pytest.fixture(scope="module")
def base(node: Node) -> Iterator[str]:
    put_small_viewer(node)
    with opened(node) as (_, address):
        yield address


SCRIPT = b"const n = 1;\n" * 400
PAGE = b"<!doctype html><script>const one = 1</script><script defer src='/plain.js'></script>"


def put_small_viewer(node: Node) -> None:
    """Put the files of a very small viewer where the installed one would be."""
    folder = installed_folder(node.home)
    folder.mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "app.0123456789abcdef.js").write_bytes(SCRIPT)
    (folder / "plain.js").write_bytes(b"1")


@pytest.mark.parametrize("key", ["", "another"])
def test_every_door_is_shut_without_the_key(base: str, key: str) -> None:
    with client(base, key) as web:
        for path in ("/", "/viewer", "/segmentation", "/app-config.js", "/plain.js"):
            assert web.get(path).status_code == 403, path
        for path in ("/dicom-web/studies", "/dicom-web/studies/1.2/thumbnail"):
            assert web.get(path).status_code == 401, path
    with client(base) as web:
        elsewhere = {"host": "viewer.example.org"}
        assert web.get("/", headers=elsewhere).status_code == 421
        assert web.get("/dicom-web/studies", headers=elsewhere).status_code == 401


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_list_says_what_is_there_in_both_languages(base: str, language: str) -> None:
    heading = {"en": "<h1>Studies</h1>", "sv": "<h1>Undersökningar</h1>"}[language]
    opening = {"en": "Open in the viewer", "sv": "Öppna i visaren"}[language]
    with client(base, language=language) as web:
        page = web.get("/")
        assert page.status_code == 200
        assert f'lang="{language}"' in page.text
        assert heading in page.text
        assert opening in page.text
        assert page.headers["cache-control"] == "no-store"
        picture = re.search(r'src="(/dicom-web/[^"]+/thumbnail)"', page.text)
        assert picture
        shown = web.get(picture[1], headers={"Accept": "image/avif,image/webp,*/*;q=0.8"})
        assert shown.status_code == 200
        assert np.asarray(Image.open(io.BytesIO(shown.content)).convert("L")).std() > 5


@pytest.mark.parametrize(
    ("query", "n_found"),
    [
        ("modality=CT", 1),
        ("modality=SEG", 1),
        ("modality=US", 0),
        ("subject=TES", 1),
        ("subject=*", 1),
        ("subject=nobody", 0),
        ("first=1900-01-01&last=2100-01-01", 1),
        ("first=2100-01-01", 0),
        ("first=yesterday&page=x&modality=%3Cscript%3E", 1),
        ("page=9", 0),
    ],
)
def test_the_list_is_filtered(base: str, query: str, n_found: int) -> None:
    with client(base) as web:
        page = web.get(f"/?{query}")
    assert page.status_code == 200
    assert page.text.count('class="study"') == n_found
    assert ("No study fits" in page.text) is (n_found == 0)


def test_files_are_kept_by_the_browser_and_the_page_runs_its_own_scripts_alone(base: str) -> None:
    with client(base) as web:
        page = web.get("/viewer?StudyInstanceUIDs=1.2")
        rules = page.headers["content-security-policy"]
        assert page.content == PAGE
        assert "default-src 'none'" in rules
        assert rules.count("'sha256-") == 1
        assert "http" not in rules
        assert page.headers["cross-origin-embedder-policy"] == "require-corp"
        assert "frame-ancestors 'self'" in rules
        assert page.headers["x-frame-options"] == "SAMEORIGIN"  # the list keeps it in a frame
        the_list = web.get("/")
        assert the_list.headers["x-frame-options"] == "DENY"
        assert the_list.headers["cross-origin-embedder-policy"] == "require-corp"
        script = web.get("/app.0123456789abcdef.js")
        assert script.content == SCRIPT
        assert "immutable" in script.headers["cache-control"]
        tag = {"If-None-Match": script.headers["etag"]}
        assert web.get("/app.0123456789abcdef.js", headers=tag).status_code == 304
        assert "immutable" not in web.get("/plain.js").headers["cache-control"]
        config = web.get("/app-config.js").text
        assert "'/dicom-web'" in config
        assert "://" not in config
        for path in ("/nothing.js", "/../node.toml", "/%2e%2e/%2e%2e/node.toml", "/viewer/x.js"):
            assert web.get(path).status_code == 404, path


def test_a_node_without_viewer_or_studies_says_what_to_do(tmp_path: Path) -> None:
    settings = NodeSettings(name="Empty", country="SE")
    node = init_node(tmp_path / "home", settings, vault_key=str(tmp_path / "vault.key"))
    with opened(node) as (_, address), client(address, language="sv") as web:
        page = web.get("/").text
        assert "tessera node viewer install" in page
        assert "tessera node ingest" in page
        assert web.get("/viewer").status_code == 404


@pytest.mark.slow
def test_the_list_is_whole_in_both_languages_narrow_and_dark(base: str, tmp_path: Path) -> None:
    chromium()
    with opened_browser() as browser:
        visitor = Visitor.at(browser, base, picture_folder(tmp_path))
        visitor.go(f"/?key={KEY}")
        visitor.reads("Studies", "Open in the viewer")
        visitor.picture("viewer-list")
        visitor.go("/?subject=nobody")
        visitor.picture("viewer-list-none")
        visitor.context.close()
    assert not visitor.faults


TAKES_ADDRESSES = "window.opened = []; window.tesseraViewer = {open: (to) => opened.push(to)}"


@pytest.mark.slow
def test_a_study_opens_in_the_viewer_that_waits_behind_the_list(base: str) -> None:
    chromium()
    with opened_browser() as browser:
        page = browser.new_page()
        page.goto(f"{base}/?key={KEY}")
        frame = page.locator("iframe.viewer-frame")
        frame.wait_for(state="attached")
        waiting = frame.element_handle().content_frame()
        assert waiting is not None
        waiting.wait_for_url(re.compile("/viewer$"))
        waiting.evaluate(TAKES_ADDRESSES)
        assert not frame.is_visible()
        link = page.get_by_role("link", name="Open").first
        address = link.get_attribute("href")
        assert address
        link.hover()
        page.wait_for_timeout(400)
        assert waiting.evaluate("opened") == [address]  # ahead of the click
        assert not frame.is_visible()
        link.click()
        assert frame.is_visible()
        assert page.url == base + address
        assert page.evaluate("document.querySelector('main').inert")  # out of the keyboard's way
        page.go_back()
        page.get_by_role("heading", name="Studies").wait_for()
        assert not frame.is_visible()
        assert waiting.evaluate("opened") == [address, "/viewer"]
        page.go_forward()
        frame.wait_for(state="visible")
        with page.context.expect_page() as another:
            page.go_back()
            link.click(modifiers=["Control"])
        assert another.value.url == base + address  # a page of its own
        assert not frame.is_visible()


@pytest.mark.slow
def test_a_study_is_shown_with_its_segmentation(node: Node, tmp_path: Path) -> None:
    """In a real browser with the real viewer: grey image, and the segment in colour over it."""
    chromium()
    file = os.environ.get("TESSERA_VIEWER_PACKAGE", "")
    if not file:
        pytest.skip("TESSERA_VIEWER_PACKAGE names no file with the viewer's package")
    node = open_node(shutil.copytree(node.home, tmp_path / "home", dirs_exist_ok=True))
    shutil.rmtree(node.home / "viewer", ignore_errors=True)
    install_viewer(node, file=Path(file))
    elsewhere: list[str] = []
    faults: list[str] = []
    with opened(node) as (_, address), opened_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda err: faults.append(str(err)))
        page.on(
            "request",
            lambda asked: elsewhere.extend(
                [] if asked.url.startswith((address, "blob:", "data:")) else [asked.url]
            ),
        )
        page.goto(f"{address}/?key={KEY}")
        page.get_by_role("link", name="Open").first.click()
        box = page.frame_locator("iframe.viewer-frame").locator(".cornerstone-canvas").first
        box.wait_for(timeout=30_000)
        until = time.monotonic() + 30
        n_coloured = 0
        while n_coloured < 50 and time.monotonic() < until:
            page.wait_for_timeout(300)
            shot = Image.open(io.BytesIO(box.screenshot())).convert("RGB")
            seen = np.asarray(shot, dtype=int)[60:-60, 60:-60]
            spread = seen.max(axis=2) - seen.min(axis=2)
            n_coloured = int((spread > 40).sum())
        page.screenshot(path=picture_folder(tmp_path) / "viewer.png")
    grey = seen[spread < 12]
    assert n_coloured >= 50, "no segment in colour"
    assert grey.std() > 10, "no picture"
    assert not elsewhere
    assert not faults
