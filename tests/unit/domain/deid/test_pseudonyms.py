"""Keyed replacement of identifiers, UIDs and dates."""

from datetime import date

import pytest

from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidSettings

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_one_person_written_in_several_ways_has_one_pseudonym() -> None:
    p = Pseudonymiser(KEY)
    forms = ("19121212-1212", "191212121212", " 19121212 1212 ", "19121212.1212")
    assert len({p.pseudonym(form) for form in forms}) == 1
    assert p.pseudonym("nhc-Á12") == p.pseudonym("NHC A12")


def test_issuers_tell_two_persons_with_one_number_apart_unless_they_are_home() -> None:
    p = Pseudonymiser(KEY, home_issuers=frozenset({"Region Öst"}))
    assert p.pseudonym("1", "REGION ÖST") == p.pseudonym("1")
    assert p.pseudonym("1", "elsewhere") != p.pseudonym("1")


def test_projects_cannot_be_linked_without_the_key() -> None:
    one, two = Pseudonymiser(KEY), Pseudonymiser(OTHER)
    assert one.pseudonym("1") != two.pseudonym("1")
    assert one.uid("1.2.3") != two.uid("1.2.3")


def test_a_pseudonym_has_the_prefix_and_is_known_again() -> None:
    p = Pseudonymiser(KEY, prefix="LKP")
    assert p.pseudonym("1").startswith("LKP-")
    assert p.is_pseudonym(p.pseudonym("1"))
    assert not p.is_pseudonym("LKP-1")


def test_a_uid_is_valid_registered_ones_stay_and_none_collide() -> None:
    p = Pseudonymiser(KEY)
    new = {p.uid(f"1.2.{n}") for n in range(2000)}
    assert len(new) == 2000
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in new)
    assert p.uid("1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2"


def test_dates_of_one_subject_move_by_the_same_whole_days() -> None:
    p = Pseudonymiser(KEY, max_shift_days=30)
    who = p.pseudonym("1")
    assert 1 <= p.shift_days(who) <= 30
    moved = [p.shifted(date(2024, 1, day), who) for day in (1, 9)]
    assert (moved[1] - moved[0]).days == 8


def test_a_key_is_long_and_never_shown() -> None:
    with pytest.raises(InvalidSettings):
        Pseudonymiser(b"short")
    assert KEY.hex()[:8] not in repr(Pseudonymiser(KEY))
