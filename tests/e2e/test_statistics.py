"""Statistics over a real hub and three real nodes: as if pooled, and only as the policies allow."""

from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tessera.domain.statistics.computed import computed
from tessera.domain.statistics.statistic import statistic
from tessera.wire.statistics import computed_to_json
from tests.browser_trial import Visitor, chromium, opened_browser, picture_folder
from tests.hub_trial import tessera
from tests.statistics_trial import EXACT, nodes_with_people
from tests.unit.domain.statistics.people import people, told_of

_ASKED = (
    statistic("survival", ("stage",)),
    statistic("cox", ("stage", "sex")),
    statistic("logistic", ("stage", "er"), outcome="deceased = yes"),
    statistic("linear", ("stage",), steps="age_at_diagnosis(20..100/1)"),
    statistic("table", ("stage", "er")),
    statistic("histogram", steps="age_at_diagnosis(20..100/5)"),
    statistic("similar"),
)


def test_nodes_that_withhold_nothing_give_the_pooled_result(tmp_path: Path) -> None:
    rows = people(600)
    with nodes_with_people(tmp_path, rows, EXACT) as url:
        for asked in _ASKED:
            body = asked.to_json() | {"query": "cancer = breast", "wait_s": 30}
            reply = httpx.post(f"{url}/api/v1/statistics", json=body, timeout=60)
            assert reply.status_code == 201, reply.text
            found = reply.json()
            assert len(found["datasets"]) == 3 and found["left_out"] == []
            assert found["n_subjects"] == len(rows)
            pooled = computed(asked, told_of(rows, asked.cuts), np.random.default_rng(0))
            _same(found["result"], computed_to_json(pooled))
            again = httpx.get(f"{url}{reply.headers['location']}", timeout=60)
            assert again.json()["result"] == found["result"]

        page = httpx.get(
            f"{url}/similar",
            params={"cancer": "breast", "stage": "II", "age_at_diagnosis": "60"},
            follow_redirects=True,
        )
        assert page.status_code == 200
        assert "Evidence, not advice" in page.text
        assert "in one condition (cancer = breast and stage = II" in page.text
        assert 'class="site"' in page.text  # a curve

        told = tessera(
            *("stats", "table", "cancer = breast", "--by", "stage", "--hub", url, "--csv")
        )
        n_second = int((rows["stage"] == "II").sum())
        assert f"table,II,n_subjects,{n_second},{n_second},{n_second}" in told.stdout.splitlines()
        wrong = tessera("stats", "cox", "cancer = breast", "--hub", url, check=False)
        assert wrong.returncode == 1 and "by 1 to 6 fields" in wrong.stderr


def test_the_pages_of_results_are_whole_and_show_the_intervals(tmp_path: Path) -> None:
    chromium()
    with nodes_with_people(tmp_path, people(600), EXACT) as url, opened_browser() as browser:
        visitor = Visitor.at(browser, url, picture_folder(tmp_path / "pictures"))
        for path, name in (
            ("/similar?cancer=breast&stage=II", "patients-like-mine-answer"),
            ("/statistics?q=cancer+%3D+breast&kind=survival&by=er", "statistics-survival"),
            ("/statistics?q=cancer+%3D+breast&kind=cox&by=stage%2C+sex", "statistics-cox"),
            ("/statistics?q=cancer+%3D+breast&kind=table&by=stage%2C+er", "statistics-table"),
        ):
            visitor.go(path)
            whole = "The search is complete."
            expect(visitor.page.locator("main")).to_contain_text(whole, timeout=30_000)
            for shape in visitor.page.locator("polygon.interval").all():
                fill, curve = shape.evaluate(
                    "e => [getComputedStyle(e).fill, getComputedStyle(e.parentNode).color]"
                )
                assert fill == curve
            visitor.picture(name)
        assert visitor.faults == [], "\n".join(visitor.faults)
        visitor.context.close()


def _same(found: object, expected: object) -> None:
    """Compare two JSON documents, numbers to 1e-6."""
    if isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys()
        for key, value in expected.items():
            _same(found[key], value)
    elif isinstance(expected, list):
        assert isinstance(found, list) and len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _same(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6)
    else:
        assert found == expected
