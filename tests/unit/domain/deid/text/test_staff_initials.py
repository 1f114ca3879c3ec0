"""Initials of staff go; modalities, levels and grades that stand in the same place stay."""

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner


def _cleaned(text: str) -> str:
    people = Identities(names=frozenset({"Ostermalm^Vendla"}))
    return TextCleaner(vocabulary(), people, days=137).clean(text).text


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ("Dotarem 15 ml utan reaktion, röntgensjuksköterska PÖ.", "PÖ"),
        ("Thorax ua, sign. AB, kontroll om 3 mån", "AB"),
        ("Kontrastmittel 80 ml, MTRA KL", "KL"),
        ("Besprochen mit Dr. MK, Kontrolle", "MK"),
        ("Cholezystektomie 2019, op: JH, Narbe", "JH"),
        ("Γαδολίνιο 7 ml, τεχνολόγος ΚΛ", "ΚΛ"),
        ("検査技師 KL 担当", "KL"),
        ("Le patient Καρδιάς, Dr Καρδιάς", "Καρδιάς"),
    ],
)
def test_initials_after_a_role_go(text: str, initials: str) -> None:
    assert initials not in _cleaned(text)


@pytest.mark.parametrize(
    "text",
    [
        "DR ABD",
        "MR Knee",
        "Op: TEP 2015",
        "Dr CT abdomen",
        "radiographer: C5 fracture",
        "Fazekas 2, Schatzker IV, Bosniak IIF",
        "MRI καρδιάς",
        "クルッケンベルグ腫瘍、棘状結節",
        "突然の胸背部痛",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert _cleaned(text) == text


@pytest.mark.parametrize(
    "text", ["ジョンソン病院へ紹介", "田中胃癌", "Dr Fazekas 2", "家根口に説明"]
)
def test_a_name_beside_clinical_signs_goes(text: str) -> None:
    kept = _cleaned(text)
    assert not any(name in kept for name in ("ジョンソン", "田中", "Fazekas", "家根"))
