"""The mapping page: what it shows, what its form changes, what it saves."""

from pathlib import Path

import pytest

from tessera.adapters.report.profile_words import WHYS_SV
from tessera.bootstrap.clinical_suggest import profile_files, read_answers, suggest_profiles
from tessera.bootstrap.mapping_desk import MappingDesk, mapping_desk_of
from tessera.domain.clinical.mapping_file import parse_mapping
from tessera.domain.clinical.problem import MENDS
from tessera.domain.clinical.profile_identity import WHYS
from tessera.domain.clinical.suggest_types import EVIDENCE, LEFT
from tessera.http.language import texts
from tests.desk_trial import KEY, Visitor
from tests.pages.html_check import faults

HERE = "http://127.0.0.1:8000"
TABLE = """Pat.-Nr.;Nachname;Geschlecht;Entität;Tumorgröße (cm);Hb;Letzte Info;Lebensstatus
P1;Abel;w;Mammakarzinom;2,1;13,2;01.02.2024;lebt
P2;Bauer;w;Mammakarzinom;1,4;12,9;11.09.2022;verstorben
P3;Czerny;m;Prostatakarzinom;;14,1;13.03.2024;lebt
P4;Drexler;w;Mammakarzinom;3,5;11,8;22.01.2024;unbekannt verzogen
"""


@pytest.fixture
def desk(tmp_path: Path) -> MappingDesk:
    (tmp_path / "t.csv").write_text(TABLE, "utf-8")
    profiles = profile_files([tmp_path / "t.csv"])
    return MappingDesk(profiles, {}, tmp_path / "m.toml", name="t", site="Klinikum", issuer="")


@pytest.fixture
def visitor(desk: MappingDesk) -> Visitor:
    visitor = Visitor(mapping_desk_of(desk, KEY, "Klinikum"), HERE)
    visitor.get(f"/?key={KEY}&lang=en")
    return visitor


def form(page: str, **more: str) -> dict[str, str]:
    return {"form_token": page.split('name="form_token" value="')[1].split('"')[0], **more}


def test_without_the_key_nothing_is_shown(desk: MappingDesk) -> None:
    answer = Visitor(mapping_desk_of(desk, KEY, "Klinikum"), HERE).get("/tables/1")
    assert answer.status_code == 403
    assert "tessera clinical suggest --page" in answer.text


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_page_is_whole_and_names_nobody(visitor: Visitor, language: str) -> None:
    answer = visitor.get("/tables/1", params={"lang": language})
    assert faults(answer.text) == []
    assert answer.headers["cache-control"] == "no-store"
    assert "Mammakarzinom" in answer.text
    for name in ("Abel", "Bauer", "Czerny", "Drexler"):
        assert name not in answer.text
    assert visitor.get("/tables/2").status_code == 404


def test_what_is_open_stays_open_until_it_is_answered(visitor: Visitor, desk: MappingDesk) -> None:
    page = visitor.get("/tables/1").text
    before = desk.suggestions()[0]
    assert {one.id for one in before.questions} >= {"meaning:Letzte Info"}
    tried = visitor.post("/tables/1", data=form(page, do="try"))
    assert "Tried on the table" in tried.text
    assert desk.suggestions()[0].proposals == before.proposals

    changed = form(page, do="change", c7="last_contact_date", c6="-")
    assert visitor.post("/tables/1", data=changed).status_code == 200
    meant = {one.column: one.variable for one in desk.suggestions()[0].proposals}
    assert meant["Letzte Info"] == "last_contact_date"
    assert "Hb" not in meant


def test_a_value_gets_its_meaning_and_the_mapping_is_saved(
    visitor: Visitor, desk: MappingDesk, tmp_path: Path
) -> None:
    page = visitor.get("/tables/1").text
    place = sorted(["lebt", "verstorben", "unbekannt verzogen"], key=lambda v: (v != "lebt", v))
    said = {f"c8.v{place.index('unbekannt verzogen')}": "-"}
    answer = visitor.post("/tables/1", data=form(page, do="save", **said))
    assert str(tmp_path / "m.toml") in answer.text
    mapping = parse_mapping((tmp_path / "m.toml").read_text("utf-8"))
    assert dict(mapping.readings["deceased"][0].values) == {
        "lebt": False,
        "verstorben": True,
        "unbekannt verzogen": "",
    }
    kept = read_answers(tmp_path / "m.answers.toml")
    (again,) = suggest_profiles(profile_files([tmp_path / "t.csv"]), kept)
    assert again.proposals == desk.suggestions()[0].proposals


def test_an_answer_that_is_no_choice_changes_nothing(visitor: Visitor, desk: MappingDesk) -> None:
    before = desk.suggestions()
    page = visitor.get("/tables/1").text
    answer = visitor.post("/tables/1", data=form(page, do="change", **{"c8.v2": "purple"}))
    assert answer.status_code == 409
    assert visitor.post("/tables/1", data={"do": "change", "c4": "-"}).status_code == 409
    assert faults(answer.text) == []
    assert desk.suggestions() == before


def test_every_code_that_the_page_shows_has_its_words() -> None:
    for words in (texts("en"), texts("sv")):
        for stem, codes in (
            ("mapping.evidence", EVIDENCE),
            ("mapping.left", LEFT),
            ("mapping.why", WHYS),
            ("term.mapping_reason", MENDS),
        ):
            assert {key for key in words.messages if key.startswith(f"{stem}.")} == {
                f"{stem}.{code}" for code in codes
            }
    assert set(WHYS_SV) == set(WHYS)
