"""Balance of a dataset: counts of groups that are large enough, rounded down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.toolbox.made_site import MadeSite, environment, run_entry

TOOL, ENTRY = "dataset_balance", "balance.py"


def balance(tmp_path: Path, people: list[dict[str, Any]], minimum: int) -> dict[str, Any]:
    made = MadeSite(tmp_path / "data")
    made.dataset.mkdir(parents=True)
    for number, person in enumerate(people):
        subject = f"TES-{number}"
        made.add("patient", subject=subject, sex=person["sex"], population="cancer")
        for age, stage in person["cancers"]:
            made.add(
                "condition",
                condition_id=f"{number}-{age}",
                subject=subject,
                cancer="breast",
                age_at_diagnosis=age,
                stage=stage,
            )
    made.write_tables()
    out = tmp_path / "out"
    out.mkdir()
    told = environment(made.data, out, TESSERA_MINIMUM=str(minimum))
    done = run_entry(TOOL, ENTRY, told)
    assert done.returncode == 0, done.stderr
    assert (out / "balance.svg").read_text().startswith("<svg")
    found: dict[str, Any] = json.loads((out / "balance.json").read_text())["datasets"]["made-up"]
    return found


def test_groups_are_counted_and_rounded(tmp_path: Path) -> None:
    people = [{"sex": "female", "cancers": [(45.0 + n, "I")]} for n in range(12)]
    people += [{"sex": "male", "cancers": [(63.0, "II")]} for _ in range(6)]
    people += [{"sex": "male", "cancers": [(71.0, "IV")]} for _ in range(2)]
    found = balance(tmp_path, people, 5)
    assert found["n_subjects"] == 20
    assert found["variables"]["sex"] == {"female": 10, "male": 5}
    # 5 in their forties, 7 in their fifties; 6 in their sixties take the 2 older ones in.
    assert found["variables"]["age at diagnosis"] == {"40–49": 5, "50–59": 5, "60–79": 5}
    assert found["variables"]["stage"] == {"I": 10, "II–IV": 5}
    assert found["largest_share"]["sex"] == 0.67
    assert found["age_mean"] == pytest.approx(56.3, abs=0.1)


def test_one_patient_tells_nothing(tmp_path: Path) -> None:
    found = balance(tmp_path, [{"sex": "female", "cancers": [(83.0, "III")]}], 5)
    assert found["n_subjects"] == 0
    assert found["age_mean"] is None and found["age_sd"] is None
    assert set(map(len, found["variables"].values())) == {0}
    assert "83" not in json.dumps(found)


def test_a_subject_with_two_cancers_counts_once(tmp_path: Path) -> None:
    people = [{"sex": "female", "cancers": [(61.0, "I"), (52.0, "III")]} for _ in range(4)]
    found = balance(tmp_path, people, 2)
    assert found["variables"]["age at diagnosis"] == {"50–59": 4}
    assert found["variables"]["stage"] == {"III": 4}


def test_what_is_not_known_is_a_group_of_its_own(tmp_path: Path) -> None:
    people = [{"sex": None, "cancers": []} for _ in range(4)]
    people += [{"sex": "male", "cancers": [(50.0, "I")]} for _ in range(4)]
    found = balance(tmp_path, people, 2)
    assert found["variables"]["sex"] == {"male": 4, "not known": 4}
    assert found["variables"]["stage"] == {"I": 4, "not known": 4}
    assert found["variables"]["age at diagnosis"] == {"50–59": 4, "not known": 4}
