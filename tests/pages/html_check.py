"""What must be true of every page's HTML, whatever it says."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
_REFERS = ("aria-labelledby", "aria-describedby", "aria-controls", "for")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class _Tree(HTMLParser):
    """Reads a page strictly: each element is closed, in order."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        self.faults += [f"<{tag}> has {n} twice" for n, times in names.items() if times > 1]
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            stack = "/".join(element.tag for element in self._open)
            self.faults.append(f"</{tag}> closes nothing in {stack}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def close(self) -> None:
        super().close()
        self.faults += [f"<{element.tag}> is never closed" for element in self._open]


def elements(html: str) -> list[Element]:
    """Return every element in order, with its whole text."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    return tree.elements


def faults(html: str, *, is_whole_page: bool = True) -> list[str]:
    """Return what is wrong with the page; nothing for a good one."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    found = tree.elements
    all_faults = tree.faults + _safety(found) + _references(found) + _forms(found)
    return all_faults + (_outline(found) if is_whole_page else [])


def _safety(found: list[Element]) -> list[str]:
    """No inline style, no handler, nothing loaded from elsewhere, no inline code."""
    wrong = []
    for element in found:
        for name, value in element.attributes.items():
            if name == "style" or name.startswith("on"):
                wrong.append(f"<{element.tag} {name}>")
            if name in ("href", "src", "action") and value.lower().startswith("javascript:"):
                wrong.append(f"<{element.tag} {name}={value}>")
        if element.tag == "style":
            wrong.append("<style>")
        is_data = element.attributes.get("type") == "application/ld+json"
        if element.tag == "script" and "src" not in element.attributes and not is_data:
            wrong.append("inline <script>")
        loaded = element.attributes.get(_LOADS.get(element.tag, ""), "")
        if element.attributes.get("rel") != "alternate" and urlsplit(loaded).netloc:
            wrong.append(f"<{element.tag}> loads {loaded}")
    return wrong


def _references(found: list[Element]) -> list[str]:
    ids = Counter(e.attributes["id"] for e in found if "id" in e.attributes)
    wrong = [f"id {name} {times} times" for name, times in ids.items() if times > 1]
    for element in found:
        for name in _REFERS:
            for target in element.attributes.get(name, "").split():
                if target not in ids:
                    wrong.append(f"<{element.tag} {name}> points at missing {target}")
        href = element.attributes.get("href", "")
        if href.startswith("#") and href[1:] not in ids:
            wrong.append(f"link to missing {href}")
    return wrong


def _forms(found: list[Element]) -> list[str]:
    """Each field has a label, each image a text, each table a caption and scoped headings."""
    labels = {e.attributes.get("for") for e in found if e.tag == "label"}
    wrong = []
    for element in found:
        is_field = (
            element.tag in ("input", "select", "textarea")
            and element.attributes.get("type") != "hidden"
        )
        if is_field and element.attributes.get("id") not in labels:
            wrong.append(f"<{element.tag} name={element.attributes.get('name')}> has no label")
        if element.tag == "img" and "alt" not in element.attributes:
            wrong.append("<img> without alt")
        if element.tag == "th" and element.attributes.get("scope") not in ("row", "col"):
            wrong.append(f"<th> without scope: {element.text.strip()}")
        if element.tag in ("a", "button", "summary", "h1", "h2", "h3") and not (
            element.text.strip() or element.attributes.get("aria-label")
        ):
            wrong.append(f"<{element.tag}> says nothing")
    tables = sum(e.tag == "table" for e in found)
    captions = sum(e.tag == "caption" for e in found)
    return wrong + ([f"{tables} tables, {captions} captions"] if tables != captions else [])


def _outline(found: list[Element]) -> list[str]:
    """One h1, one main, a language, a title, and no heading level left out."""
    tags = Counter(element.tag for element in found)
    wrong = [
        f"{tags[tag]} <{tag}>"
        for tag in ("html", "head", "body", "h1", "main", "header", "footer")
        if tags[tag] != 1
    ]
    if found[0].attributes.get("lang") not in ("en", "sv"):
        wrong.append("<html> without lang")
    level = 1
    for element in found:
        if element.tag in ("h1", "h2", "h3", "h4"):
            if int(element.tag[1]) > level + 1:
                wrong.append(f"<{element.tag}> after <h{level}>: {element.text.strip()}")
            level = int(element.tag[1])
    return wrong
