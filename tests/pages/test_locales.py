"""The texts of the pages are complete, used, and right for each language."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import nodes

import tessera.http
from tessera.domain.catalogue.about import ACCESS_CONDITIONS, DATA_USE
from tessera.domain.clinical.concepts import VALUE_SETS, cancers
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.fields import FIELDS, Level
from tessera.domain.cohort.query import Operator
from tessera.domain.cohort.result import Outcome
from tessera.domain.cohort.syntax import parse
from tessera.domain.cohort.temporal import Direction, Moment
from tessera.domain.errors import InvalidQuery
from tessera.domain.quality.finding import Severity
from tessera.http import formats
from tessera.http.condition_words import condition_meaning
from tessera.http.dataset_page import FACETS, SEVERITIES
from tessera.http.language import LANGUAGES, preferred_language, texts
from tessera.http.policy_words import policy_sentence
from tessera.http.rendering import environment
from tessera.http.search_page import EXAMPLES
from tessera.http.trouble_words import ADDED, FAULTS, MENDS, fault_sentence, mend_sentence

EN, SV = texts("en"), texts("sv")
HTTP = Path(tessera.http.__file__).parent
PLACE = re.compile(r"\{(\w+)\}")


def test_both_languages_have_exactly_the_same_keys() -> None:
    assert set(EN.messages) ^ set(SV.messages) == set()


def test_both_languages_have_the_same_places_for_values_and_no_blank_text() -> None:
    for key, text in EN.messages.items():
        other = SV.messages[key]
        assert text.strip() and other.strip(), key
        assert set(PLACE.findall(text)) == set(PLACE.findall(other)), key


def test_every_count_has_both_its_forms() -> None:
    stems = {key.rpartition(".")[0] for key in EN.messages if key.endswith((".one", ".other"))}
    groups = {"sex", "modality", "body_part", "manufacturer", "cancer"}
    for stem in stems - {f"term.{group}" for group in groups}:
        assert EN.has(f"{stem}.one") and EN.has(f"{stem}.other"), stem


def _template_keys() -> Iterator[str]:
    """Yield each key a template names, with * where a part of it is computed."""
    env = environment()
    for path in sorted((HTTP / "templates").iterdir()):
        tree = env.parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            name = call.node.name if isinstance(call.node, nodes.Name) else ""
            if isinstance(call.node, nodes.Getattr) and call.node.attr == "has":
                name = "t"
            if name in ("t", "tn") and call.args:
                yield from _forms(_pattern(call.args[0]), name == "tn")
            elif name == "term":
                yield f"term.{_pattern(call.args[0])}.*"


def _pattern(node: nodes.Node) -> str:
    if isinstance(node, nodes.Const):
        return str(node.value)
    if isinstance(node, nodes.Concat):
        return "".join(_pattern(part) for part in node.nodes)
    return "*"


def _code_keys() -> Iterator[str]:
    """The same for the modules: words("…"), words.count("…"), words.has("…")."""
    for path in sorted(HTTP.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            target = ast.unparse(node.func)
            if target in ("words", "words.count", "words.has"):
                yield from _forms(_python_pattern(node.args[0]), target == "words.count")


def _python_pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_python_pattern(part) for part in node.values)
    return "*"


def _forms(pattern: str, is_count: bool) -> Iterator[str]:
    if pattern.strip("*."):
        yield from (f"{pattern}.one", f"{pattern}.other") if is_count else (pattern,)


def _used() -> set[str]:
    facets = {f"term.{name}.*" for name in FACETS}
    kinds = ("receptor", "yes_no", "unit", "first_treatment", "day_zero")
    conditions = {f"term.{kind}.*" for kind in kinds}
    labels = {"field.*", "trouble.end"}
    faults = {f"trouble.{name}" for name, _ in FAULTS} | {f"mend.{name}" for name, _ in MENDS}
    faults |= {f"added.{name}" for name, _ in ADDED}
    return set(_template_keys()) | set(_code_keys()) | facets | conditions | labels | faults


def test_no_text_is_without_a_use() -> None:
    patterns = [re.compile(re.escape(p).replace(r"\*", r".+")) for p in _used()]
    unused = [key for key in EN.messages if not any(p.fullmatch(key) for p in patterns)]
    assert unused == []


def test_no_template_and_no_module_names_a_text_that_is_missing() -> None:
    for pattern in _used():
        expression = re.compile(re.escape(pattern).replace(r"\*", r".+"))
        assert any(expression.fullmatch(key) for key in EN.messages), pattern


def test_every_coded_value_and_every_field_has_words_in_every_language() -> None:
    for words in (EN, SV):
        missing = [f"term.cancer.{name}" for name in cancers()]
        missing += [f"term.sex.{v}" for v in VALUE_SETS["sex"]]
        missing += [f"term.population.{v}" for v in VALUE_SETS["population"]]
        missing += [f"term.first_treatment.{v}" for v in VALUE_SETS["first_treatment"]]
        missing += [f"term.cancer.{c.name}" for c in FIELDS["cancer"].values]
        missing += [f"term.modality.{c.name}" for c in FIELDS["modality"].values if c.meaning]
        missing += [f"field.{name}" for name in FIELDS]
        missing += [f"term.data_use.{code}" for code in DATA_USE]
        missing += [f"term.access.{name}" for name in ACCESS_CONDITIONS]
        missing += [f"access.{name}" for name in ACCESS_CONDITIONS]
        missing += [f"level.{level}.name" for level in Level]
        missing += [f"outcome.{outcome}.{part}" for outcome in Outcome for part in ("name", "why")]
        missing += [f"quality.{severity}.name" for severity in Severity]
        missing += [f"facet.{name}" for name in FACETS]
        missing += [f"example.{key}" for key, _ in EXAMPLES]
        missing += [f"term.first_treatment.{c.name}" for c in FIELDS["treatment"].values]
        missing += [f"term.day_zero.{c.name}" for c in FIELDS["day_zero"].values]
        missing += [f"relation.{side}" for side in Direction]
        missing += [f"relation.event.{moment}" for moment in Moment]
        missing += [f"operator.{op.name.lower()}" for op in Operator]
        assert [key for key in missing if not words.has(key)] == []


def test_the_page_knows_every_severity() -> None:
    assert set(SEVERITIES) == set(Severity)


def test_swedish_words_of_codes_are_not_left_in_english() -> None:
    same = {
        key
        for key, text in EN.messages.items()
        if key.startswith("term.") and text == SV.messages[key]
    }
    names = {"country", "body_part", "modality", "population", "language"}
    assert {key for key in same if key.split(".")[1] not in names} == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("sv", "sv"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("de, en;q=0.5, sv;q=0.7", "sv"),
        ("en;q=0.9, sv;q=0.1", "en"),
        ("sv;q=0", "en"),
        ("sv;q=rubbish, en;q=0.2", "en"),
        ("*", "en"),
        (";;;,,=", "en"),
    ],
)
def test_the_browser_s_wishes_choose_the_language(header: str, language: str) -> None:
    assert preferred_language(header) == language


def test_numbers_and_sizes_are_written_as_each_language_does() -> None:
    assert formats.number(1234567, "en") == "1,234,567"
    assert formats.number(1234567, "sv") == "1\u202f234\u202f567"
    assert formats.number(999, "sv") == "999"
    assert formats.size(689_412_000_000, "en") == "689\u00a0GB"
    assert formats.size(1_250_000_000, "sv") == "1,2\u00a0GB"
    assert formats.size(512, "en") == "512\u00a0B"
    assert formats.size(0, "sv") == "0\u00a0B"


def test_dates_are_in_utc_and_say_so() -> None:
    late = datetime(2026, 3, 5, 23, 30, tzinfo=timezone(timedelta(hours=-2)))

    assert formats.day(late, "en") == "6\u00a0March 2026"
    assert formats.moment(late, "sv") == "6\u00a0mars 2026 kl. 01:30\u00a0UTC"
    assert formats.machine(late) == "2026-03-06T01:30:00Z"
    assert formats.day(datetime(2026, 5, 1, tzinfo=UTC), "sv") == "1\u00a0maj 2026"


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [
        (-5, ("seconds", 0)),
        (59, ("seconds", 59)),
        (60, ("minutes", 1)),
        (7200, ("hours", 2)),
        (200_000, ("days", 2)),
    ],
)
def test_elapsed_time_is_told_in_its_largest_unit(seconds: int, unit: tuple[str, int]) -> None:
    assert formats.elapsed(timedelta(seconds=seconds)) == unit


@pytest.mark.parametrize("policy", [CountPolicy(), CountPolicy(1, 1), CountPolicy(5, 1)])
def test_a_policy_is_written_anew_in_swedish_from_its_numbers(policy: CountPolicy) -> None:
    sentence = str(policy_sentence(policy.words(), SV))

    assert "lang=" not in sentence
    assert (str(policy.minimum) in sentence) == (policy.minimum > 1)
    assert str(policy_sentence(policy.words(), EN)) == policy.words()


def test_a_policy_of_another_form_is_shown_as_it_came_and_marked_as_english() -> None:
    shown = str(policy_sentence("Ask <us> first.", SV))

    assert shown == '<span lang="en">Ask &lt;us&gt; first.</span>'


@pytest.mark.parametrize(
    ("query", "swedish"),
    [
        ("modality = MR", "Minst en serie: slags bild är Magnetkamera (MR)."),
        ("not (modality = MR)", "Ingen serie har: slags bild är Magnetkamera (MR)."),
        (
            "age_at_diagnosis between 50 and 70.5",
            "Minst en cancer: ålder vid diagnos är från 50 till 70,5\u00a0år.",
        ),
        ("cancer in (lung, liver)", "Minst en cancer: cancerform är Lungcancer eller Levercancer."),
        ("topography = C61", "Minst en cancer: topografi enligt ICD-O-3 börjar med C61."),
        ("her2 != positive", "Minst en cancer: HER2 är känt men inte positiv."),
        ("stage is unknown", "Minst en cancer: stadium är inte känt."),
        ("sex = female", "Patienten: kön vid födseln är Kvinna."),
        (
            "modality = MR within 90 days before treatment = surgery",
            "Minst en undersökning (minst en serie: slags bild är Magnetkamera (MR)) ligger 0 till "
            "90 dagar före minst en behandling (behandling är kirurgi).",
        ),
        (
            "at least 2 (study_day > 1) more than 0 days apart",
            "Minst 2 undersökningar (tid från dag 0 till undersökningen är mer än 1\u00a0dagar), "
            "och mellan varje två av dem minst 1 dag.",
        ),
        (
            "death within 0 days of diagnosis",
            "Dödsfallet ligger samma dag som den första diagnosen.",
        ),
    ],
)
def test_a_condition_is_explained_in_swedish_from_its_parts(query: str, swedish: str) -> None:
    (condition,) = explain(parse(query))

    assert condition_meaning(condition, SV) == swedish
    assert condition_meaning(condition, EN) == condition.meaning


def test_every_operator_and_group_can_be_said_in_swedish() -> None:
    query = parse(
        "psa < 4 and psa <= 4 and psa > 4 and psa >= 4 and psa not in (1, 2) and psa is known "
        "and in one study (modality = MR or modality = PT) and not (er = positive or pr = negative)"
        " and in one condition (cancer = lung and stage >= II) and in one series (modality = CT)"
        " and treatment = surgery before death and death after diagnosis"
        " and modality = MR of in one treatment (treatment = surgery)"
        " and at least 2 (treatment = ablation) within 9 days apart"
    )
    for condition in explain(query):
        said = str(condition_meaning(condition, SV))
        assert 'lang="en"' not in said
        assert said[0].isupper()


@pytest.mark.parametrize(
    ("query", "fault", "mend"),
    [
        ("canser = lung", "det finns inget fält 'canser'", "menade du cancer?"),
        ("cancer = lungg", "cancer har inget värde 'lungg'", "menade du lung?"),
        ("psa = high", "psa behöver ett tal, inte 'high'", "till exempel `psa = 10`"),
        ("topography = X", "'X' är inte ett värde för topography", "till exempel"),
        ("manufacturer = x", "manufacturer behöver minst två", "till exempel"),
        (" ", "frågan är tom", "till exempel"),
        ("sex = male before death", "detta har inget datum", "använd en undersökning"),
        ("modality = MR within x days of death", "ett heltal ska stå här", "till exempel"),
        ("modality = MR within 3 of death", "`days` ska stå här, inte `of`", "till exempel"),
        ('cancer = "lung', "ett citattecken är inte avslutat", 'avsluta det med "'),
        ("sex > male", "sex har ingen ordning, så `>`", "använd något av: ="),
        ("cancer = lung !", "'!' betyder ingenting här", "till exempel"),
        ("(cancer = lung", "en parentes är öppen och frågans slut", "vid tecken 1"),
        ("cancer = lung)", "`)` var inte väntat här", "stänger ingenting"),
        ("cancer = lung sex = male", "`sex` var inte väntat här", "bind ihop villkor"),
        ("modality = MR, PT", "`,` var inte väntat här", "listor står inom parentes"),
        ("cancer = lung and", "här ska ett fält stå, inte frågans slut", "fält: cancer"),
        ("cancer lung", "efter cancer ska en operator stå, inte `lung`", "använd något av"),
        ("psa between 1 or 2", "”between” behöver två värden", "skriv `psa between 1 and …`"),
        ("sex =", "här ska ett värde för sex stå, inte frågans slut", "värden: female"),
        ("modality in MR", "här ska `(` stå, inte `MR`", "sätt `(` här"),
        ("x" * 3000, "frågan har 3000 tecken", "använd högst 2000"),
    ],
)
def test_a_faulty_query_is_explained_in_swedish(query: str, fault: str, mend: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(query)
    said = unescape(fault_sentence(caught.value.message, SV))
    helps = unescape(mend_sentence(caught.value.mend, SV))

    assert said.startswith(fault)
    assert mend in helps
    assert "lang=" not in said + helps
    assert unescape(fault_sentence(caught.value.message, EN)) == caught.value.message


def test_an_unknown_fault_stays_english_and_is_marked() -> None:
    assert fault_sentence("strange <b>", SV) == '<span lang="en">strange &lt;b&gt;</span>'


def test_texts_are_part_of_the_package() -> None:
    folder = resources.files("tessera.http").joinpath("locales")
    assert {p.name for p in folder.iterdir()} == set(LANGUAGES)
    files = [{p.name for p in (folder / language).iterdir()} for language in LANGUAGES]
    assert all(names == files[0] for names in files)
