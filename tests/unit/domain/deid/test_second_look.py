"""The second look finds identities in every spelling and encoding, and honest headers pass it."""

from datetime import date

import pytest

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.second_look import search

PEOPLE = Identities(
    names=frozenset(
        {
            "Ångström^Åsa^Maria",
            "Παπαδόπουλος^Γιώργος",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "Brown^Head",
            "Müller-Lüdenscheidt^Karl",
        }
    ),
    identifiers=frozenset({"19640823-3234", "AB-123456", "000777123"}),
    contacts=frozenset({"Storgatan 12, Linköping", "+46 70 123 45 67"}),
    places=frozenset({"Universitetssjukhuset"}),
    dates=frozenset({date(1964, 8, 23)}),
    uids=frozenset({"1.2.752.37.4.5"}),
)
BEFORE, AFTER = b"\x08\x00\x30\x10LO\x14\x00", b"\x10\x00\x40\x00CS\x02\x00F "


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        ("Ångström".encode(), "name"),
        ("ÅNGSTRÖM".encode("latin-1"), "name"),
        (b"angstrom", "name"),
        (b"thorax Aangstroem", "name"),
        ("Åsa Ångströms".encode(), "name"),
        ("Ångström".encode("utf-16-le"), "name"),
        ("Ångström".encode("utf-16-be"), "name"),
        ("ΠΑΠΑΔΟΠΟΥΛΟΣ".encode("iso8859-7"), "name"),
        (b"PAPADOPOULOS", "name"),
        ("山田".encode("iso2022_jp"), "name"),
        ("山田".encode("shift_jis"), "name"),
        ("太郎".encode(), "name"),
        ("やまだ".encode("iso2022_jp"), "name"),
        (b"t2 yamada tra", "name"),
        (b"Head Brown", "name"),
        (b"HEAD^BROWN", "name"),
        (b"mueller", "name"),
        ("Lüdenscheidt".encode(), "name"),
        (b"id 196408233234", "identifier"),
        (b"19640823-3234", "identifier"),
        (b"640823-3234", "identifier"),
        (b"6408233234", "identifier"),
        (b"AB123456", "identifier"),
        (b"777123", "identifier"),
        (b"0701234567"[1:], ""),
        (b"46701234567", "contact"),
        ("storgatan 12, linköping".encode("latin-1"), "contact"),
        (b"UNIVERSITETSSJUKHUSET", "place"),
        (b"19640823", "birth-date"),
        (b"23/08/1964", "birth-date"),
        (b"1.2.752.37.4.5\0", "uid"),
        (b"Kallesson^Kalle", "name-form"),
        (b"foo.bar@regionost.se", "mail-form"),
        (b"811228-9874", "number-form"),
    ],
)
def test_what_is_left_is_found(left: bytes, kind: str) -> None:
    kinds = {residue.kind for residue in search(BEFORE + left + AFTER, PEOPLE)}
    assert (kind in kinds) if kind else not kinds


@pytest.mark.parametrize(
    "honest",
    [
        b"brown fat of the head and neck",
        b"1.2.752.37.4.51\0",
        b"31.2.752.37.4.5\0",
        b"2.25.3119640823123456777712399\0",
        b"ID 1777123",
        b"10^-3 mm^2/s",
        b"t2_tse_tra_p2 2021-03-04",
        b"811228-9875",
        b"SIEMENS^MAGNETOM"[:7],
        "Ångströmeter".encode()[:6],
        b"",
        b"abc",
    ],
)
def test_honest_bytes_pass(honest: bytes) -> None:
    assert search(honest, PEOPLE) == ()


def test_the_place_is_told_and_the_text_is_not() -> None:
    (residue,) = search(b"x" * 300 + b" angstrom ", PEOPLE)
    assert (residue.offset, residue.length) == (301, 8)
    assert "angstrom" not in str(residue) + repr(residue)


def test_nobody_known_means_only_forms_are_sought() -> None:
    assert search(b"angstrom 19640823", Identities()) == ()
    assert [r.kind for r in search(b"xx Doe^Jane", Identities())] == ["name-form"]


def test_a_person_number_inside_a_longer_run_of_digits_is_found() -> None:
    assert search(b"2.25.99196408233234991", PEOPLE) != ()
