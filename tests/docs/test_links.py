"""Links between the documents lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.source import REPO, project_files

_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def documents() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".md"]


def broken_links(document: Path) -> Iterator[str]:
    """Yield each relative link whose file, or heading in it, does not exist."""
    text = _CODE.sub("", document.read_text("utf-8"))
    for target in (*_LINK.findall(text), *_REFERENCE.findall(text)):
        if _ELSEWHERE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = document.parent / name if name else document
        if not file.exists():
            yield f"{document.name}: {target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{document.name}: {target}: no such heading"


def anchors(document: Path) -> set[str]:
    """Return the heading anchors as code forges make them."""
    plain = (re.sub(r"[`*]", "", h) for h in _HEADING.findall(document.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in plain}


def test_every_relative_link_leads_somewhere() -> None:
    found = [fault for document in documents() for fault in broken_links(document)]
    assert not found, "\n" + "\n".join(found)


def test_every_page_can_be_reached_from_the_front_page() -> None:
    """README.md, docs/index.md and what they link to, and so on, cover all documents."""
    reached, todo = set(), [REPO / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        text = _CODE.sub("", page.read_text("utf-8"))
        links = (t.partition("#")[0] for t in _LINK.findall(text) if not _ELSEWHERE.match(t))
        todo.extend(page.parent / unquote(link) for link in links if link)
    fragments = REPO / "changes"
    lost = [
        str(p.relative_to(REPO))
        for p in documents()
        if p.resolve() not in reached and (p.parent != fragments or p.name == "README.md")
    ]
    assert not lost


@pytest.mark.parametrize(
    ("text", "n_broken"),
    [
        ("[a](other.md)", 0),
        ("[a](other.md#a-heading-with-code)", 0),
        ("[a](#own)\n\n# Own\n", 0),
        ("[a](https://example.org/x.md)", 0),
        ("`[a](gone.md)`", 0),
        ("[a](gone.md)", 1),
        ("![a](gone.png)", 1),
        ("[a](other.md#gone)", 1),
        ("[a]: gone.md", 1),
    ],
)
def test_a_broken_link_is_seen(tmp_path: Path, text: str, n_broken: int) -> None:
    (tmp_path / "other.md").write_text("# A heading, with `code`\n")
    page = tmp_path / "page.md"
    page.write_text(text)
    assert len(list(broken_links(page))) == n_broken
