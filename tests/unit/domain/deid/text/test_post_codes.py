"""Post codes go with evidence, in the forms of each country; measures and counts stay."""

import subprocess
import sys
import time

import pytest

from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.patterns import find_patterns

WHOLE = [
    # by the order of the parts, without a street word
    "Tallbacken 27, 747 40 Knivsta", "Hollerbusch 3a, 72070 Tübingen",
    "Am Alten Hof 5, 2. OG, 72070 Tübingen", "Solsiden 14 B, 4340 Bryne",
    "Engdraget 9, 2. tv, 8300 Odder", "Kanervapolku 4 as 7, 33480 Ylöjärvi",
    "Kerkpad 18-B, 7991 PD Dwingeloo", "Rinnetie 12, 00730 Helsinki",
    "Dorfplatz 3\n6340 Baar", "Sonnenhalde 8/Top 4, 6020 Innsbruck",
    "Na Vyhlídce 12, 360 01 Karlovy Vary", "Gedimino 9-14, LT-01103 Vilnius",
    # street words, floors and flats
    "STORGATAN 12, 114 55 STOCKHOLM", "Storgatan 12 lgh 1203, 114 55 Stockholm",
    "Østergade 4, st. th, 8000 Aarhus C", "Jana Pawła 4/7, 26-600 Radom",
    "Kossuth utca 8, 1051 Budapest", "Lindenstraße 5, 10969 Berlin",
    "ul. Jaśminowa 4/7, 26-600 Radom", "8 rue des Tilleuls, 29200 Brest",
    "C/ Olmos 12, 3º B, 09200 Miranda de Ebro", "Via dei Mughetti 22, 48018 Faenza",
    "Rua das Camélias, 14 2º Esq, 3810-193 Aveiro", "Αριστοτέλους 27, 591 32 Βέροια",
    "221 Maple Street, Apt 4B",
    "бул. Витоша 12, ет. 3, ап. 8, 1000 София", "Ilica 5, 10000 Zagreb",
    "Λεωφ. Μακαρίου 45, 1065 Λευκωσία", "Tartu maantee 17-4, 10115 Tallinn",
    "Städtle 12, 9490 Vaduz",
    "Slovenska cesta 9, 1000 Ljubljana", "Kossuth Lajos tér 3", "Laugavegur 10, 101 Reykjavík",
    "Petőfi Sándor u. 12. II. em. 5, 6720 Szeged", "Brīvības iela 45-12, Rīga, LV-1010",
    "Gedimino pr. 9, LT-01103 Vilnius", "Hlavná 12, 811 01 Bratislava",
    "Václavské náměstí 1, 110 00 Praha 1", "Karl Johans gate 31, 0159 Oslo",
    "Mariahilfer Straße 45/2/14, 1060 Wien", "Av. da Liberdade 110, 3.º Dto, 1250-146 Lisboa",
    "12, rue de la Gare, L-1611 Luxembourg", "Rue du Rhône 12, 1204 Genève",
    "Mihai Eminescu nr. 12, bl. A2, sc. B, et. 4, ap. 23, 010512 București",
    # boxes
    "P.O. Box 123", "Postfach 10 20 30", "Box 123, 751 05 Uppsala", "Skr. poczt. 12",
    "Postboks 14, 4301 Sandnes",
    # with the country before it
    "SE-747 40", "DE-72070", "D-72070 Tübingen", "DK-8300 Odder", "AT-1010", "PL-26-600 Radom",
    "LV-1010 Rīga", "PT-3810-193", "NL-7991 PD Dwingeloo", "FI-33480", "RO-010101",
    # the form of one country
    "D08 K3T6", "A65F4E2", "T12 E8XY", "3810-193 Aveiro", "7991 PD Dwingeloo",
    "101 Reykjavík", "GU1 3AB", "Springfield, IL 62704", "IL 62704-1234", "〒390-0811",
]  # fmt: skip


@pytest.mark.parametrize("address", WHOLE)
@pytest.mark.parametrize("sentence", ["{}", "Pat. {}.", "kallas till {}; DT buk", "({})"])
def test_an_address_goes_whole(address: str, sentence: str) -> None:
    text = sentence.format(address)
    gone = [text[f.start : f.end] for f in find_patterns(text)]

    def bare(words: str) -> str:
        return words.replace(" ", "").replace(",", "")

    assert bare("".join(gone)) == bare(address)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Postnr: 747 40", "Postnr: "),
        ("PLZ 72070", "PLZ "),
        ("C.P. 28013 Madrid", "C.P. "),
        ("Τ.Κ. 59132", "Τ.Κ. "),
        ("Eircode: D08 K3T6", "Eircode: "),
        ("zip 62704", "zip "),
        ("kod pocztowy: 26-600", "kod pocztowy: "),
        ("郵便番号:390-0811", "郵便番号:"),
        ("bor i 747 40 Knivsta", "bor i "),
        ("wohnt in 72070 Tübingen", "wohnt in "),
        ("Adr: Solsidan 4", "Adr: "),
        ("adress: björkgatan 12", "adress: "),
        ("London E1 6AN", "London "),
        ("松本 390-0811 長野県松本市", "松本 "),
    ],
)
def test_a_word_for_it_stays_and_the_code_goes(text: str, left: str) -> None:
    kept, at = [], 0
    for found in find_patterns(text):
        kept.append(text[at : found.start])
        at = found.end

    assert "".join([*kept, text[at:]]).rstrip(" ") == left.rstrip(" ")


@pytest.mark.parametrize(
    "text",
    [
        "747 40 mm", "747 40", "TR 747 TE 40", "Segment 4, 1200 Bilder", "Serie 3, 74740 Counts",
        "TR/TE 500/20 Axial", "B-1000 Axial", "b 50, 1000 Axial", "SE-2000", "10-100 Frames",
        "Fälle, 20-100 Zellen.", "2019 CT Thorax", "1500 MR Becken", "3000 TR Axial",
        "L4 5DB", "T1 3DS", "D12 AB34", "Bosniak 2, 3500 Kopien",
        "CTDI 12, 1200 Schichten", "Phase 3, 10000 Ereignisse", "PLZ fehlt", "CP 3 mm",
        "cap 12000 mm", "C.P. 2 mm", "bor hos dotter", "vive con 2 hijos", "mora 3 meses",
        "Gradient 45, 4000 Volts", "V35 T2W", "F91 (ICD)", "Bild 27, 12345 Zellen",
        "Flip 12, 2500 Hz", "Lesion nr 4, 1200 Bilder", "Kreatinin 98, 2019 Nefrektomi",
        "PLA 1234", "MST 1200", "Leber u. 3 Herde", "AV-Block 3", "F-10450", "T-32000 Heart",
        "Herde mit 4, 1200 Schnitte", "3 Herde, 12 Schichten", "EG 12, DG 3",
    ],
)  # fmt: skip
def test_a_measure_or_a_count_is_no_post_code(text: str) -> None:
    assert [f for f in find_patterns(text) if f.kind in ("contact", "place")] == []


HOSTILE = [
    "Aa-",
    "1234 AB ",
    "adr: Aa ",
    "bor i ",
    "SE-123 45 ",
    "Aa 12 ap 3 ",
    "東京3-2-1 ",
    "Aa 1, ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_is_slow(piece: str) -> None:
    def took(size: int) -> float:
        text = (piece * size)[:size]
        start = time.process_time()
        find_patterns(text)
        return time.process_time() - start

    took(1_000)

    assert took(16_000) < 12 * min(took(4_000), took(4_000)) + 0.05


def test_an_expression_is_compiled_when_it_is_first_used() -> None:
    late = Expression("(")  # not even read before

    with pytest.raises(Exception, match="missing"):
        late.search("x")
    once = Expression("b+")
    assert "search" not in vars(once)
    assert once.search("abb")
    assert "search" in vars(once)


def test_the_patterns_load_no_network_code() -> None:
    code = (
        "import sys; from tessera.domain.deid.text.patterns import find_patterns;"
        " find_patterns('CT thorax 5 mm 2021-03-04, 747 40 mm');"
        " sys.exit(bool({'ssl', 'stdnum', 'pydoc'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
