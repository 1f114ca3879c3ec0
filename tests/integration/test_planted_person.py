"""Up to nine planted people change nothing that anybody outside the node can see."""

import json
from pathlib import Path

import pytest

from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.adapters.rdf import dataset_graph
from tessera.bootstrap.gate import gate_of
from tessera.bootstrap.node import NodeSettings
from tessera.domain.catalogue.about import DatasetAbout
from tessera.domain.catalogue.describe import describe
from tessera.domain.catalogue.description import Agent
from tessera.domain.clinical.build import CdmTables, TableRows
from tessera.domain.clinical.cdm import CORE
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.cohort.syntax import parse
from tessera.domain.ids import DatasetId
from tessera.node.answer import PublishedVersion, answer_query
from tessera.testing.cohort_engine import write_version
from tessera.wire.answers import AnswerMessage
from tessera.wire.description import description_to_json
from tessera.wire.messages import PublishDataset, ReceivedDataset
from tests.hub_trial import NOW

Row = dict[str, object]
ABOUT = DatasetAbout(
    title={"en": "Trial"},
    description={"en": "Made for a test."},
    keywords=(),
    publisher=Agent("Test hospital"),
    contact=Agent("Data office", "data@hospital.example.org"),
    country="SE",
    language="sv",
)
ASKED = (
    *("sex = female", "cancer = breast", "her2 = positive", "her2 is known", "her2 is unknown"),
    *("not (her2 = positive)", "her2 = positive or sex = male", "stage = IV", "stage is known"),
    *("age_at_diagnosis >= 90", "modality = MG", "manufacturer = rare", "b_value > 0"),
    *("body_part = TAIL", "population = control", "deceased = yes", "gleason is unknown"),
    *("in one study (modality = MG)", "cancer = prostate or cancer = breast", "sex = male"),
    *("modality = MR", "slice_thickness > 9", "survival_days > 0", "not (modality = MG)"),
)


def tables(n_men: int, n_planted: int) -> dict[str, list[Row]]:
    """Men with prostate cancer and MR; the planted ones differ from them in everything."""
    rows: dict[str, list[Row]] = {name.name: [] for name in CORE if name.name != "instance"}
    for i in range(n_men + n_planted):
        planted, subject = i >= n_men, f"TES-{i:016}"
        keys = {"subject": subject, "study_uid": f"2.25.{i}"}
        patient: Row = {"sex": "male", "population": "cancer"}
        condition: Row = {"cancer": "prostate", "age_at_diagnosis": 60.0}
        series: Row = {"modality": "MR", "manufacturer": "SIEMENS"}
        if planted:
            patient = {"sex": "female", "population": "control", "deceased": True}
            patient["survival_days"] = 5
            condition = {"cancer": "breast", "age_at_diagnosis": 95.0, "stage": "IV"}
            condition["her2"] = "positive"
            series = {"modality": "MG", "manufacturer": "RARE", "body_part": "TAIL"}
            series |= {"b_values": ["800"], "slice_thickness_mm": 9.5}
        rows["patient"].append({"subject": subject, **patient})
        rows["condition"].append({"condition_id": f"c{i}", "subject": subject, **condition})
        rows["study"].append(keys | {"n_series": 1})
        rows["series"].append(keys | {"series_uid": f"2.25.9{i}", "n_instances": 1} | series)
    return rows


def seen_outside(folder: Path, n_men: int, n_planted: int) -> dict[str, str]:
    """Return, by name, the text of everything that a hub and its readers get."""
    rows = tables(n_men, n_planted)
    cdm = CdmTables(
        {
            t.name: TableRows(
                t, tuple(tuple(r.get(c.name) for c in t.columns) for r in rows.get(t.name, ()))
            )
            for t in CORE
        }
    )
    policy = CountPolicy()
    exact = describe(
        cdm,
        ABOUT,
        n_instances=n_men + n_planted,
        dataset_id=DatasetId("trial"),
        version=1,
        created=NOW,
        manifest_sha256="ab" * 32,
        deid_profile="",
        quality={},
        minimum=policy.minimum,
    )
    released = disclose_description(exact, policy)
    told = ReceivedDataset.from_json(PublishDataset(released).to_json()).description
    graph = dataset_graph(told, base_iri="https://hub.example.org", node_name="N", node_id="n")
    seen = {
        "description": json.dumps(description_to_json(told)),
        "rdf": "\n".join(sorted(graph.serialize(format="nt").splitlines())),
    }
    root = folder / f"with-{n_planted}"
    version = PublishedVersion(
        dataset_id=told.dataset_id, version=1, folder=write_version(root / "v1", rows), created=NOW
    )
    engine = DuckDbCohortEngine(root)
    gate = gate_of(root, NodeSettings(name="N", country="SE", count_noise=0))
    for text in ASKED:
        answers = answer_query(parse(text), [version], engine, gate, frozenset())
        seen[text] = json.dumps(AnswerMessage(search_id="s", answers=answers).to_json())
    engine.close()
    return seen


@pytest.mark.parametrize(("n_men", "n_planted"), [(40, 1), (40, 9), (0, 9), (5, 4)])
def test_nobody_outside_sees_whether_there_is_a_group_of_one_to_nine(
    tmp_path: Path, n_men: int, n_planted: int
) -> None:
    nobody, somebody = (seen_outside(tmp_path, n_men, n) for n in (0, n_planted))
    assert [name for name in nobody if nobody[name] != somebody[name]] == []
