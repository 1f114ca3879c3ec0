"""The page on formats lists what each loses, word for word as the program has it."""

from tessera.domain.exchange.loss import ANEW, LOST, LOST_FLAT, STRUCTURE
from tests.architecture.source import REPO


def test_the_page_lists_every_loss() -> None:
    text = (REPO / "docs" / "reference" / "exchange.md").read_text("utf-8")
    listed = {line for line in text.splitlines() if line.startswith(("| `", "- "))}
    columns = {**LOST["eucaim"], **LOST["omop"], **LOST["fhir"], **LOST_FLAT}
    assert {f"| `{name}` | {why} |" for name, why in columns.items()} <= listed
    assert {f"- {one}" for found in STRUCTURE.values() for one in found} <= listed
    assert ANEW in text
    rows = {line for line in listed if line.startswith("| `") and ".csv" not in line}
    tables = [line for line in rows if "." in line.split("`")[1]]
    assert len(tables) == len(columns)
