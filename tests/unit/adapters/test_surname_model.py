"""The model of surnames only ever removes, and no word of the vocabulary."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.adapters.files.rule_files import (
    load_profile,
    names_finder,
    rule_texts,
    vocabulary,
)
from tessera.adapters.names import DATA
from tessera.adapters.names.surnames import SurnameFinder, buckets_of
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.rules import compile_rules
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.errors import InvalidSettings

RULES = TextCleaner(vocabulary(), Identities(), days=30)
BOTH = TextCleaner(vocabulary(), Identities(), days=30, finder=SurnameFinder(vocabulary()))
SITE = 'name = "site"\nversion = "1"\nextends = "research"\n'


@pytest.mark.parametrize(
    "text",
    ["diskuterat med {}", "CT thorax {}", "Discussed with {} before the scan, no new lesion."],
)
@pytest.mark.parametrize("name", ["maxwell", "mcclure", "cervantes", "ledbetter", "moldestad"])
def test_a_surname_made_of_known_parts_goes(text: str, name: str) -> None:
    assert name in RULES.clean(text.format(name)).text, "the rules find it by now: take another"
    assert name not in BOTH.clean(text.format(name)).text


@pytest.mark.parametrize(
    "text",
    [
        "Hodgkin lymfom, Whipple 2015, Gleason 4+3, Bosniak IIF, Baker cyst",
        "multiparametrisk MR prostata, hepatosplenomegali, leverbiopsi, mikroförkalkningar",
        "T1 mprage sag, t2_tse_dixon_tra, CTthorax, ep2d_diff_b50_400_800",
        "brown fat, long axis, white matter, states, rising values, stark enhancement",
        "前立腺癌 肝S8 造影CT",
    ],
)
def test_clinical_words_stay(text: str) -> None:
    assert BOTH.clean(text) == RULES.clean(text)


WORDS = st.sampled_from(
    "maxwell lever Hodgkin mcclure CT thorax med T2 b800 Dr metastas, utan . \n 2015-03-01"
    " hepatomegali grosskopf 19121212-1212 Baker kangasniemi".split(" ")
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=12).map(" ".join))
def test_it_never_keeps_what_the_rules_remove(text: str) -> None:
    by_rules = [(one.start, one.end) for one in RULES.clean(text).removed]
    by_both = [(one.start, one.end) for one in BOTH.clean(text).removed]
    gone = {at for start, end in by_both for at in range(start, end)}
    assert all(at in gone for start, end in by_rules for at in range(start, end))


def test_it_is_small_and_names_its_source() -> None:
    files = [Path(str(DATA / name)) for name in ("surnames.txt", "surname_runs.bin")]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    lines = files[0].read_text("ascii").splitlines()
    assert "Public domain" in lines[1]
    assert lines[2:] == sorted(lines[2:])
    assert buckets_of("maxwell") == buckets_of("maxwell")


def test_a_profile_asks_for_it_and_its_version_is_in_the_fingerprint(tmp_path: Path) -> None:
    site, plain = tmp_path / "site.toml", tmp_path / "plain.toml"
    site.write_text(SITE + 'names_model = "surnames"\n', "utf-8")
    plain.write_text(SITE + 'names_model = ""\n', "utf-8")
    asked, not_asked = load_profile(str(site)), load_profile(str(plain))
    assert isinstance(names_finder(asked), SurnameFinder)
    assert names_finder(not_asked) is None
    version = (DATA / "version.txt").read_text("ascii").strip()
    assert asked.names_model == f"surnames {version}"
    texts = rule_texts()
    both = [compile_rules(one, texts).fingerprint for one in (asked, not_asked)]
    assert both[0] != both[1]


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE + 'names_model = "oracle"\n', "utf-8")
    with pytest.raises(InvalidSettings, match="names_model"):
        load_profile(str(site))
