"""Contacts, places, announced numbers and UIDs; what wins where two overlap; no slow text."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.deid.text.patterns import find_patterns

FOUND = [
    ("Tel 031-342 10 00", "contact", "031-342 10 00"),
    ("Tel. (0551) 39-1234", "contact", "(0551) 39-1234"),
    ("+46 31 342 10 00", "contact", "+46 31 342 10 00"),
    ("Tfno 912 345 678", "contact", "912 345 678"),
    ("τηλ. 210 1234567", "contact", "210 1234567"),
    ("電話 03-1234-5678", "contact", "03-1234-5678"),
    ("svar till a.b@sahlgrenska.se snarast", "contact", "a.b@sahlgrenska.se"),
    ("se https://pacs.vgregion.se/study/12.", "url", "https://pacs.vgregion.se/study/12"),
    ("host pacs01.radiologi.local", "contact", "pacs01.radiologi.local"),
    ("från 192.168.1.5:104", "contact", "192.168.1.5:104"),
    ("Storgatan 5, 413 45 Göteborg", "contact", "Storgatan 5, 413 45 Göteborg"),
    ("Bahnhofstr. 12, 37075 Göttingen", "contact", "Bahnhofstr. 12, 37075 Göttingen"),
    ("12 Baker Street", "contact", "12 Baker Street"),
    ("5 rue de la Paix, 75002 Paris", "contact", "5 rue de la Paix, 75002 Paris"),
    ("C/ Mayor 12, 28013 Madrid", "contact", "C/ Mayor 12, 28013 Madrid"),
    ("Via Roma 12, 00184 Roma", "contact", "Via Roma 12, 00184 Roma"),
    ("Λεωφ. Κηφισίας 12, 11526 Αθήνα", "contact", "Λεωφ. Κηφισίας 12, 11526 Αθήνα"),
    ("東京都千代田区千代田1-1", "contact", "東京都千代田区千代田1-1"),
    ("ul. Długa 7, 00-238 Warszawa", "contact", "ul. Długa 7, 00-238 Warszawa"),
    ("Keizersgracht 100, 1015 AA Amsterdam", "contact", "Keizersgracht 100, 1015 AA Amsterdam"),
    ("P.O. Box 123", "contact", "P.O. Box 123"),
    ("SE-413 45 Göteborg", "place", "SE-413 45 Göteborg"),
    ("D-37075 Göttingen", "place", "D-37075 Göttingen"),
    ("1015 AA Amsterdam", "place", "1015 AA Amsterdam"),
    ("London NW1 6XE", "place", "NW1 6XE"),
    ("1.2.840.113619.2.55.3.604688119.971", "uid", "1.2.840.113619.2.55.3.604688119.971"),
    ("2.25.123456789012345678901234567890", "uid", "2.25.123456789012345678901234567890"),
    ("acc nr 12345", "identifier", "12345"),
    ("MRN: 12345", "identifier", "12345"),
    ("NHC 48213", "identifier", "48213"),
    ("患者ID 12345", "identifier", "12345"),
    ("RX-2021-00123", "identifier", "RX-2021-00123"),
    ("K1234567", "identifier", "K1234567"),
    ("1234567", "identifier", "1234567"),
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_what_has_a_form_is_found_whole(text: str, kind: str, value: str) -> None:
    (found,) = find_patterns(text)

    assert (found.kind, text[found.start : found.end]) == (kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "luftvägen 5 och gallvägen 3 mm", "Software 4.0.1.2", "lungs clear.no nodule", "box 3",
        "Series 601 Im 45/120", "via 2 ports", "ratio 120/80", "Place 3 clips", "RID10312",
        "ICD-10: C34.1",
        "Bestrahlungsplan 1",
        "Im Lebersegment 8", "An der Basis 4", "2021 CT Thorax", "2000 TE Axial", "Scoring 5",
        "B-1000 Axial", "Recettori 2", "Blockade 3", "Necktie 4", "Am Unterpol 3",
        "T1 3D FFE SENSE", "SUVmax 12.3", "1.5T 0.9x0.9x3.0 mm",
    ],
)  # fmt: skip
def test_anatomy_and_technique_have_no_form(text: str) -> None:
    assert find_patterns(text) == []


@given(st.text("0123456789./-: +@aAåLWwt年月日mars", max_size=60))
def test_pieces_are_in_order_and_never_overlap(text: str) -> None:
    found = find_patterns(text)

    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(0 <= f.start < f.end <= len(text) for f in found)


@given(st.text(max_size=80))
def test_any_text_has_an_answer(text: str) -> None:
    find_patterns(text)


HOSTILE = ["1", "1 ", "1-", "12.", "a.", "a@", "@a", "0-", "12 mars ", "Aa 1 ", "1:", "a-1/", "市1"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_four_times_the_text_takes_about_four_times_as_long(piece: str) -> None:
    def took(size: int) -> float:
        text = (piece * size)[:size]
        best = 9.0
        for _ in range(2):
            start = time.process_time()
            find_patterns(text)
            best = min(best, time.process_time() - start)
        return best

    assert took(16_000) < 12 * took(4_000) + 0.05
