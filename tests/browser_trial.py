"""A person at a browser: a real Chromium, what must be true of each page, and pictures of them."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tessera.http.language import COOKIE, LANGUAGES, texts

PICTURES = "TESSERA_SCREENSHOTS"
"""Names a folder that keeps the pictures of a run."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}
_NAMES = ("chromium", "chromium-browser", "google-chrome")

FAULTS = """
() => {
  const faults = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true});
  const say = (what, e) => faults.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  const words = (e) => (e.textContent || '').trim();
  const named = (e) => words(e) || e.getAttribute('aria-label') || e.getAttribute('title') ||
    (e.getAttribute('aria-labelledby') || '').split(' ').some(
      (id) => id && document.getElementById(id) && words(document.getElementById(id)));
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title.trim()) faults.push('no title');
  const n = document.querySelectorAll('h1').length;
  if (n !== 1) faults.push(`${n} main headings`);
  let last = 0;
  for (const h of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const level = Number(h.tagName[1]);
    if (level > last + 1 && !(last === 0 && level === 2)) say(`level ${level} after ${last}`, h);
    if (!words(h)) say('empty heading', h);
    last = level;
  }
  for (const e of document.querySelectorAll('input, select, textarea')) {
    if (e.type === 'hidden') continue;
    const labels = [...(e.labels || [])].some((label) => words(label));
    if (!labels && !e.getAttribute('aria-label')) say('no label', e);
  }
  for (const e of document.querySelectorAll('a[href], button, summary'))
    if (!named(e)) say('no name', e);
  for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) say('no alt', e);
  for (const e of document.querySelectorAll('table')) if (!e.caption) say('no caption', e);
  const ids = new Set();
  for (const e of document.querySelectorAll('[id]')) {
    if (ids.has(e.id)) say('id twice', e);
    ids.add(e.id);
  }
  for (const e of document.querySelectorAll('[for], [aria-describedby], [aria-labelledby]'))
    for (const name of ['for', 'aria-describedby', 'aria-labelledby'])
      for (const id of (e.getAttribute(name) || '').split(' '))
        if (id && !document.getElementById(id)) say(`${name} of nothing`, e);
  for (const e of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(e.hash.slice(1))) say('a link to nothing', e);
  for (const e of document.querySelectorAll('button, summary, a.button'))
    if (shown(e) && e.getBoundingClientRect().height < 24) say('too low to hit', e);
  return faults;
}
"""
CONTRAST = """
() => {
  const faults = [], known = new Map();
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    if (!known.has(color)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      known.set(color, [...pen.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(color);
  };
  const over = (top, under) => {
    const a = top[3] / 255;
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a)).concat(255);
  };
  const ground = (e) => {
    if (!e) return rgba(matchMedia('(prefers-color-scheme: dark)').matches ? '#000' : '#fff');
    const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 255 ? own : over(own, ground(e.parentElement));
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map(
      (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || seen.has(e)) continue;
    seen.add(e);
    if (e.closest('svg, script, noscript')) continue;
    if (!e.checkVisibility({visibilityProperty: true}) || e.closest('.sr')) continue;
    const style = getComputedStyle(e), under = ground(e);
    const [a, b] = [light(over(rgba(style.color), under)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < least && !e.closest('[aria-hidden=true]'))
      faults.push(`contrast ${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 120)}`);
  }
  return faults;
}
"""
OVERFLOW = """
() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = [...document.querySelectorAll('main *, header *, footer *')].filter(
    (e) => e.getBoundingClientRect().right > wide + 1 && !e.closest('.scroll, .source-scroll'));
  const first = out.slice(0, 3).map((e) => e.outerHTML.slice(0, 100));
  return [`wider than ${wide}: ${first.join(' | ')}`];
}
"""
SAID = """
() => {
  const copy = document.body.cloneNode(true);
  const own = document.documentElement.lang;
  const others = `[lang]:not([lang=${own}]), script, noscript, code, pre, q, .said`;
  for (const e of copy.querySelectorAll(others)) e.remove();
  return copy.textContent.replace(/\\s+/g, ' ');
}
"""


def chromium() -> str:
    """Return the path of a browser of this machine; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(_NAMES)} is on the path")
    return found


@contextmanager
def opened_browser() -> Iterator[Browser]:
    path = chromium()
    # Chromium's own sandbox cannot be set up by root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def other_language_words(page_words: str, language: str) -> list[str]:
    """Return sentences of another language that a page says, out of the hub's own texts."""
    own = texts(language)
    said = set(own.messages.values())
    found = []
    for other in LANGUAGES:
        for key, words in texts(other).messages.items():
            plain = re.sub(r"\s+", " ", words)
            is_sentence = len(plain) > 11 and "{" not in plain and " " in plain
            if other != language and is_sentence and words not in said and plain in page_words:
                found.append(f"{key} in {other}: {plain}")
    return found


@dataclass
class Visitor:
    """One person with a browser of their own, that keeps cookies and a language."""

    name: str
    context: BrowserContext
    page: Page
    url: str
    language: str
    pictures: Path
    faults: list[str] = field(default_factory=list)
    keeps_more: bool = field(default_factory=lambda: bool(os.environ.get(PICTURES)))
    """Also keep pictures of the narrow and of the dark page."""

    @classmethod
    def at(
        cls, browser: Browser, url: str, pictures: Path, *, name: str = "", language: str = "en"
    ) -> "Visitor":
        locale = {"en": "en-GB", "sv": "sv-SE"}[language]
        context = browser.new_context(viewport=WIDE, locale=locale, base_url=url)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        visitor = cls(name or "anybody", context, context.new_page(), url, language, pictures)
        visitor.page.on("pageerror", lambda err: visitor.faults.append(f"script: {err}"))
        visitor.page.on("console", visitor._console)
        return visitor

    def _console(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # A page that says what was wrong has a status to match; Chromium notes that as an error.
        if kind == "error" and "the server responded with a status of 4" not in text:
            self.faults.append(f"console: {text}")

    def go(self, path: str) -> None:
        self.page.goto(path)

    def sign_in(self, user: str, password: str) -> None:
        """Fill in the page for signing in, which is open."""
        words = texts(self.language)
        self.page.get_by_label(str(words("signin.user")), exact=True).fill(user)
        self.page.get_by_label(str(words("signin.password")), exact=True).fill(password)
        self.press(str(words("signin.go")))

    def press(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name).first.click()

    def follow(self, name: str, *, part: str = "main") -> None:
        self.page.locator(part).get_by_role("link", name=name).first.click()

    def unfold(self, name: str) -> None:
        self.page.locator("main summary").filter(has_text=name).first.click()

    def reads(self, *words: str) -> None:
        """The page says this, where a person sees it."""
        said = " ".join(self.page.locator("main").inner_text().split())
        for one in words:
            assert one in said, f"{self.name} does not read {one!r} on {self.page.url}:\n{said}"

    def picture(self, name: str) -> None:
        """Take pictures of the page in each language, check it, wide and narrow, light and dark."""
        self._taken(self.page, name, self.language)
        for other in LANGUAGES:
            if other != self.language and not self._was_posted():
                tab = self.context.new_page()
                address = urlsplit(self.page.url)
                query = urlencode({"lang": other})
                joined = f"{address.query}&{query}" if address.query else query
                tab.goto(address._replace(query=joined, fragment="").geturl())
                self._taken(tab, name, other)
                tab.close()
                self._speaks(self.language)

    def _was_posted(self) -> bool:
        return bool(self.page.url.endswith(("/step", "/edit", "/revoke")))

    def _speaks(self, language: str) -> None:
        self.context.add_cookies([{"name": COOKIE, "value": language, "url": self.url}])

    def _taken(self, page: Page, name: str, language: str) -> None:
        where = f"{name} ({language}) {urlsplit(page.url).path}"
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.screenshot(path=self._file(name, language), full_page=True)
        found = [*page.evaluate(FAULTS), *page.evaluate(CONTRAST)]
        if (said := page.evaluate("document.documentElement.lang")) != language:
            found.append(f"the page is in {said}")
        found += other_language_words(page.evaluate(SAID), language)
        if language == self.language:
            page.emulate_media(color_scheme="dark")
            found += [f"dark: {one}" for one in page.evaluate(CONTRAST)]
            if self.keeps_more:
                page.screenshot(path=self._file(f"{name}-dark", language), full_page=True)
            page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        found += page.evaluate(OVERFLOW)
        if self.keeps_more:
            page.screenshot(path=self._file(f"{name}-narrow", language), full_page=True)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        self.faults += [f"{where}: {one}" for one in found]

    def _file(self, name: str, language: str) -> Path:
        return self.pictures / f"{name}.{language}.png"


def picture_folder(otherwise: Path) -> Path:
    """Return where pictures go: the folder that the environment names, else this one."""
    folder = Path(os.environ.get(PICTURES) or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
