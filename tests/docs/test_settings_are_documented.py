"""Every setting and every environment variable has a row in docs/reference/settings.md."""

import re
from dataclasses import MISSING, fields

import pytest

from tessera.bootstrap.hub import HubSettings
from tessera.bootstrap.node import NodeSettings
from tests.architecture.source import REPO, product_modules

PAGE = (REPO / "docs" / "reference" / "settings.md").read_text("utf-8")
_VARIABLE = re.compile(r"(?:envvar=|environ(?:\.get\(|\[)|getenv\()\s*[\"'](TESSERA_\w+)")


def rows(heading: str) -> dict[str, str]:
    """Return first and second column of the table under a heading."""
    section = re.split(r"^## ", PAGE.split(f"## {heading}")[1], flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", section, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "settings"), [("A node", NodeSettings), ("A hub", HubSettings)]
)
def test_every_setting_is_documented_and_none_other(
    heading: str, settings: type[NodeSettings | HubSettings]
) -> None:
    assert rows(heading).keys() == {field.name for field in fields(settings)}


def test_the_defaults_are_as_documented() -> None:
    documented = rows("A node")
    for field in fields(NodeSettings):
        if field.default is MISSING:
            shown = "required"
        elif isinstance(field.default, tuple):
            shown = f"`{list(field.default)}`"
        elif isinstance(field.default, str):
            shown = f'`"{field.default}"`'
        elif isinstance(field.default, bool):
            shown = f"`{str(field.default).lower()}`"
        else:
            shown = f"`{field.default}`"
        assert documented[field.name] == shown


def test_every_environment_variable_is_documented() -> None:
    tests = (path.read_text("utf-8") for path in (REPO / "tests").rglob("*.py"))
    texts = [*(module.text for module in product_modules()), *tests]
    read = {name for text in texts for name in _VARIABLE.findall(text)}
    assert read == rows("Environment").keys()
