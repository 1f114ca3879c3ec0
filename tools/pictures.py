"""Take the pictures of docs/images from the running demonstration, in both languages.

    make demo                                            # in another terminal
    python -m tools.pictures http://127.0.0.1:8700 docs/images

Needs Chromium. Each picture is a window of 1280 by at most 1500 pixels with 64 colours.
"""

import io
import sys
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from tests.browser_trial import chromium

BREAST = quote("cancer = breast and stage in (I, II)")
PAGES = {
    "home": "/",
    "progress": "/progress",
    "catalogue": "/catalogue",
    "dataset": "/datasets/galway/cancer-imaging",
    "search": f"/search?q={BREAST}",
    "statistics": f"/statistics?kind=survival&q={quote('cancer = breast')}&by=stage",
    "patients-like-mine": "/similar?cancer=breast",
    "node": "/nodes/galway",
}
LANGUAGES = ("en", "sv")
WIDE, TALLEST = 1280, 1500


def main(url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for language in LANGUAGES:
            page = browser.new_page(
                viewport={"width": WIDE, "height": 900}, locale=language, base_url=url
            )
            for name, path in PAGES.items():
                joined = f"{path}{'&' if '?' in path else '?'}lang={language}"
                _take(page, joined, folder / f"{name}.{language}.png")
        browser.close()


def _take(page: Page, path: str, to: Path) -> None:
    response = page.goto(path)
    if response is None or not response.ok:
        raise SystemExit(f"{path}: {response.status if response else 'no answer'}")
    page.wait_for_timeout(4000)  # every node has answered
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": WIDE, "height": height}
    shot = page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture.quantize(64, dither=Image.Dither.NONE).save(to, optimize=True)
    print(to, to.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
