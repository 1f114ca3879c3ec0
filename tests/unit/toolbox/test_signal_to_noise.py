"""Signal to noise: what was planted is measured, and small groups are not told."""

import csv
import json
from pathlib import Path

import pytest

from tests.unit.toolbox.made_site import NOISE, MadeSite, environment, make_site, run_entry

TOOL, ENTRY = "signal_to_noise", "snr.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> MadeSite:
    return make_site(tmp_path_factory.mktemp("site"), subjects=14, site=4)


def test_the_planted_noise_is_measured(site: MadeSite, tmp_path: Path) -> None:
    done = run_entry(TOOL, ENTRY, environment(site.data, tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "snr.json").read_text())
    rows = {row["manufacturer"]: row for row in found["groups"]}
    assert set(rows) == {"all", "SIEMENS", "Philips"}
    assert rows["all"]["sequence"] == "T2-weighted"
    assert rows["all"]["n_subjects"] == 10, "14, rounded down to a multiple of 5"
    assert rows["all"]["mean"] == pytest.approx(415 / NOISE, rel=0.1)
    assert rows["all"]["low"] < rows["all"]["mean"] < rows["all"]["high"]
    with (tmp_path / "snr.csv").open(newline="") as file:
        assert [row["manufacturer"] for row in csv.DictReader(file)] == list(rows)
    figure = (tmp_path / "snr.svg").read_text()
    assert figure.startswith("<svg") and "T2-weighted, SIEMENS" in figure
    pseudonyms = {str(row["subject"]) for row in site.rows["patient"]}
    assert not [p for p in pseudonyms if p in json.dumps(found) + figure]


@pytest.mark.parametrize(
    ("minimum", "told"), [("8", {"all"}), ("15", set()), ("7", {"all", "SIEMENS", "Philips"})]
)
def test_a_small_group_is_not_told(
    site: MadeSite, tmp_path: Path, minimum: str, told: set[str]
) -> None:
    done = run_entry(TOOL, ENTRY, environment(site.data, tmp_path, TESSERA_MINIMUM=minimum))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "snr.json").read_text())
    assert {row["manufacturer"] for row in found["groups"]} == told
    assert ("too few to tell" in (tmp_path / "snr.svg").read_text()) == (not told)


def test_a_file_that_cannot_be_read_costs_its_series_only(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", subjects=7, site=5)
    for path in (site.dataset / "instances").glob("*/*.98.5.1.1.*.dcm"):
        path.write_bytes(path.read_bytes()[:400])
    (tmp_path / "out").mkdir()
    done = run_entry(TOOL, ENTRY, environment(site.data, tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out") == 1
    found = json.loads((tmp_path / "out" / "snr.json").read_text())
    assert [row["manufacturer"] for row in found["groups"]] == ["all"]


def test_another_modality_than_there_is_gives_no_group(site: MadeSite, tmp_path: Path) -> None:
    told = environment(site.data, tmp_path, TESSERA_ARGUMENTS='{"modality": "CT"}')
    assert run_entry(TOOL, ENTRY, told).returncode == 0
    assert json.loads((tmp_path / "snr.json").read_text())["groups"] == []


@pytest.mark.parametrize(
    "arguments", ['{"modality": "US"}', '{"slices": 0}', '{"slices": true}', '{"x": 1}', "[1]"]
)
def test_wrong_arguments_are_refused(site: MadeSite, tmp_path: Path, arguments: str) -> None:
    done = run_entry(TOOL, ENTRY, environment(site.data, tmp_path, TESSERA_ARGUMENTS=arguments))
    assert done.returncode == 1 and "signal-to-noise: " in done.stderr
    assert not list(tmp_path.iterdir())
