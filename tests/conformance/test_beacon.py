"""Every answer of the node's Beacon is valid by the framework's own JSON schemas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.integration.test_node_explorer import agent, node, token_file

__all__ = ["agent", "node", "token_file"]
SCHEMAS = Path(__file__).parent / "beacon"


def opened(uri: str) -> Resource[Any]:
    body = json.loads(Path(uri.removeprefix("file://")).read_text("utf-8"))
    return Resource.from_contents(body, default_specification=DRAFT202012)


def valid(answer: object, name: str) -> None:
    address = (SCHEMAS / "responses" / f"{name}.json").as_uri()
    registry: Registry[Any] = Registry(retrieve=opened)
    judge = jsonschema.Draft202012Validator({"$ref": address}, registry=registry)
    judge.validate(answer)


def asked(agent: httpx.Client, *filters: object, granularity: str = "count") -> dict[str, Any]:
    body = {
        "meta": {"apiVersion": "v2.0.0"},
        "query": {"filters": list(filters), "requestedGranularity": granularity},
    }
    answer = agent.post("/beacon/individuals", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("", "beaconInfoResponse"),
        ("/info", "beaconInfoResponse"),
        ("/service-info", "ga4gh-service-info-1-0-0-schema"),
        ("/configuration", "beaconConfigurationResponse"),
        ("/entry_types", "beaconEntryTypesResponse"),
        ("/map", "beaconMapResponse"),
        ("/filtering_terms", "beaconFilteringTermsResponse"),
        ("/individuals", "beaconCountResponse"),
        ("/imagingStudies", "beaconCountResponse"),
        ("/datasets", "beaconCollectionsResponse"),
    ],
)
def test_every_endpoint_answers_by_its_schema(agent: httpx.Client, path: str, schema: str) -> None:
    answer = agent.get(f"/beacon{path}")
    assert answer.status_code == 200
    valid(answer.json(), schema)


def test_a_schema_refuses_what_lacks_its_parts() -> None:
    with pytest.raises(jsonschema.ValidationError):
        valid({"meta": {}, "responseSummary": {}}, "beaconCountResponse")


MALE = {"id": "SNOMED:248153007"}


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ((), 20),
        (({"id": "modality", "operator": "=", "value": "CT"},), 10),
        (({"id": "modality:CT"},), 10),
        (({"id": "SNOMED:399068003"},), 10),
        (({"id": "EUCAIM:CLIN1000041"},), None),
    ],
)
def test_filters_of_every_kind_are_counted_with_the_nodes_policy(
    agent: httpx.Client, filters: tuple[dict[str, str], ...], n: int | None
) -> None:
    if n is None:
        body = {"meta": {"apiVersion": "v2.0.0"}, "query": {"filters": list(filters)}}
        assert agent.post("/beacon/individuals", json=body).status_code == 400
        return
    found = asked(agent, *filters)
    valid(found, "beaconCountResponse")
    assert found["meta"]["returnedGranularity"] == "count"
    assert found["responseSummary"] == {"exists": True, "numTotalResults": n}
    (dataset,) = found["info"]["datasets"]
    assert (dataset["outcome"], dataset["numTotalResults"]) == ("counted", n)


def test_yes_or_no_gives_no_number_away(agent: httpx.Client) -> None:
    found = asked(agent, {"id": "modality:CT"}, granularity="boolean")
    valid(found, "beaconBooleanResponse")
    assert found["responseSummary"] == {"exists": True}
    assert "numTotalResults" not in json.dumps(found)


def test_records_are_answered_with_a_count(agent: httpx.Client) -> None:
    found = asked(agent, granularity="record")
    assert found["meta"]["returnedGranularity"] == "count"
    assert "results" not in found


def test_too_few_are_no_number_and_not_told_from_none(agent: httpx.Client) -> None:
    few, none = (
        asked(agent, {"id": "age_at_diagnosis", "operator": ">", "value": years})
        for years in ("P89Y", 120)
    )
    valid(few, "beaconBooleanResponse")
    for found in (few, none):
        assert found["meta"]["returnedGranularity"] == "boolean"
        assert found["responseSummary"] == {"exists": False}
        assert "minimum" in found["info"]["note"]
    assert few["info"] == none["info"]


def test_imaging_studies_are_counted_for_themselves(agent: httpx.Client) -> None:
    found = agent.get("/beacon/imagingStudies", params={"filters": "modality:CT"}).json()
    valid(found, "beaconCountResponse")
    assert found["responseSummary"]["numTotalResults"] == 10
    (schema,) = found["meta"]["returnedSchemas"]
    assert schema["entityType"] == "imagingStudy"


def test_datasets_with_enough_matching_subjects_are_listed(agent: httpx.Client) -> None:
    found = agent.get("/beacon/datasets", params={"filters": "modality:CT"}).json()
    valid(found, "beaconCollectionsResponse")
    (dataset,) = found["response"]["collections"]
    assert dataset["id"] == "cancer-images"
    assert (dataset["subjectsCount"], dataset["studiesCount"]) == (10, 10)
    assert dataset["modalities"] == ["CT", "MR"]
    none = agent.get("/beacon/datasets", params={"filters": "modality:US"}).json()
    assert none["response"]["collections"] == []


WRONG: tuple[Callable[[httpx.Client], httpx.Response], ...] = (
    lambda agent: agent.post("/beacon/individuals", content=b"{"),
    lambda agent: agent.post("/beacon/individuals", json={"query": 1}),
    lambda agent: agent.post("/beacon/individuals", json={"query": {"filters": {}}}),
    lambda agent: agent.post("/beacon/individuals", json={"query": {"filters": [{}]}}),
    lambda agent: agent.post("/beacon/individuals", json={"query": {"filters": [MALE] * 60}}),
    lambda agent: agent.get("/beacon/individuals", params={"filters": "HP:0000001"}),
    lambda agent: agent.get("/beacon/individuals", params={"filters": "colour"}),
)


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_request_is_refused_in_the_beacons_form(agent: httpx.Client, number: int) -> None:
    answer = WRONG[number](agent)
    assert answer.status_code == 400
    valid(answer.json(), "beaconErrorResponse")
    assert answer.json()["error"]["errorCode"] == 400


def test_an_unknown_filter_is_named(agent: httpx.Client) -> None:
    answer = agent.get("/beacon/individuals", params={"filters": "HP:0000001"})
    assert "HP:0000001" in answer.json()["error"]["errorMessage"]


def test_without_the_token_the_beacon_tells_nothing(agent: httpx.Client) -> None:
    with httpx.Client(base_url=agent.base_url, trust_env=False) as other:
        for path in ("", "/individuals", "/filtering_terms"):
            answer = other.get(f"/beacon{path}")
            assert answer.status_code == 401
            valid(answer.json(), "beaconErrorResponse")


def test_every_filtering_term_that_is_told_is_understood(agent: httpx.Client) -> None:
    terms = agent.get("/beacon/filtering_terms").json()["response"]["filteringTerms"]
    assert len(terms) > 60
    for term in terms:
        if term["type"] == "ontologyTerm":
            assert agent.get("/beacon/datasets", params={"filters": term["id"]}).status_code == 200
