"""No identity that the phantom plants is left in any byte that `tessera deid` writes."""

import json
from pathlib import Path

import pytest

from tessera.testing.leaks import find_identities
from tests.conformance.delivery import deliver, make_phantom


def planted(site: Path) -> set[str]:
    """Every identity that `truth.json` says was hidden in the export, UIDs too."""
    truth = json.loads((site / "truth.json").read_text(encoding="utf-8"))
    return {one["value"] for patient in truth["patients"] for one in patient["identities"]}


@pytest.mark.parametrize(
    "language",
    [
        "sv",
        "el",
        pytest.param("es", marks=pytest.mark.long),
        pytest.param("en", marks=pytest.mark.long),
    ],
)
def test_no_planted_identity_is_left_in_any_byte(tmp_path: Path, language: str) -> None:
    pacs = make_phantom(tmp_path / "site", patients=2, seed=11, language=language)
    identities = sorted(planted(tmp_path / "site"))
    assert len(identities) > 20
    delivery = deliver(pacs, tmp_path)
    assert delivery.stored()
    assert find_identities([delivery.out], identities) == []
    # The same search finds them in what went in, so that its silence means something.
    seen = {leak.identity for leak in find_identities([pacs], identities)}
    assert len(seen) >= 0.95 * len(identities), sorted(set(identities) - seen)
