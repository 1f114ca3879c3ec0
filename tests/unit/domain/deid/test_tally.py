"""A tally comes back as it was counted."""

from tessera.domain.deid.pixels.findings import Box, Finding
from tessera.domain.deid.report import PRIVATE
from tessera.domain.deid.tally import (
    PixelAction,
    changes_in,
    pixels_in,
    tally_of_changes,
    tally_of_findings,
)
from tessera.domain.zones import Identified


def test_changes_come_back() -> None:
    changes = {(0x00080020, 5): 9, (PRIVATE, 1): 70, (0x7FE00010, 0): 1}
    assert changes_in(tally_of_changes(changes)) == changes


def test_findings_are_counted_by_action_and_reason_and_never_by_text() -> None:
    box, text = Box(0, 0, 9, 9), Identified("Ångström Åsa")
    findings = [
        Finding(0, 0, box, text, 0.9, "blank", "names-somebody"),
        Finding(1, 1, box, text, 0.9, "blank", "names-somebody"),
        Finding(0, 0, box, text, 0.9, "keep", "harmless-mark"),
    ]
    tally = tally_of_findings(findings)
    assert "ngstr" not in repr(tally)
    assert set(pixels_in(tally | {"faces": 3, "change 1 2": 4})) == {
        PixelAction("blank", "names-somebody", 2),
        PixelAction("keep", "harmless-mark", 1),
    }
