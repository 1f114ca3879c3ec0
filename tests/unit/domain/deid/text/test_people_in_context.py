"""Persons whom no header names, found by the words and signs around them."""
# ruff: noqa: E501 -- lists of cases

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner

BEFORE = "The liver is of normal size and there is no lesion. "
NAMED = (
    """
Dr. Qvarnholm|Dr Qvarnholm|dr qvarnholm|Dr.med. Qvarnholm|öl Qvarnholm|öläk Qvarnholm|ssk Qvarnholm|Prof. Qvarnholm
Dra. Qvarnholm|sign. Qvarnholm|RT: Qvarnholm|Tech Qvarnholm|Operator Qvarnholm|Ref.: Qvarnholm|c/o Qvarnholm
K. Qvarnholm|K Qvarnholm|QVARNHOLM, K|Signed KS/AB|sign: KS|Sign. KS/AB|Qvarnholm/Berg|Prof Berg/Lind|Dr Brown/Green
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.fixture(scope="module")
def cleaner() -> TextCleaner:
    return TextCleaner(vocabulary(), Identities(), days=100)


@pytest.mark.parametrize("text", NAMED)
def test_the_person_goes_and_the_text_before_stays(cleaner: TextCleaner, text: str) -> None:
    out = cleaner.clean(BEFORE + text).text

    assert out.startswith(BEFORE.rstrip(". "))
    for name in ("qvarnholm", "berg", "lind", "brown", "green", "ks", "ab"):
        assert name not in out[len(BEFORE) - 2 :].lower().replace("/", " ").split()
    assert " K" not in out[len(BEFORE) - 2 :]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Frau Müller, Z.n. Appendektomie", "Frau ***, Z.n. Appendektomie"),
        ("Discussed with Dr. Long, no change.", "Discussed with Dr. ***, no change."),
        ("Discussed with Dr Brown/Green.", "Discussed with Dr ***/***."),
    ],
)
def test_signs_and_neighbours_stay(cleaner: TextCleaner, text: str, left: str) -> None:
    assert cleaner.clean(BEFORE + BEFORE + text).text == BEFORE + BEFORE + left


@pytest.mark.parametrize(
    "name",
    "strandkvist lindstrom hinterhuber beckford pembleton papadimitropoulos anastasakis ionidis"
    " wisnicki timoshenko petrov karvonen demiroglu abdulrahman nakamoto fujihara".split(),
)
def test_a_lower_case_surname_is_never_ordinary(name: str) -> None:
    assert not vocabulary().looks_ordinary(name)


def test_a_matrix_is_kept(cleaner: TextCleaner) -> None:
    assert cleaner.clean("matrix 256x256").text == "matrix 256x256"
