"""Person numbers of Europe: form and check digit, or form and the word before it."""

import pytest

from tessera.domain.deid.text.patterns import find_patterns

SURE = [
    "19640823-3234", "640823-3234", "640823+3234", "6408233234", "640883-3231", "19640823-A123",
    "070761-4285", "15108695088", "131052-308T", "131052Y308T", "120174-3399", "37605030299",
    "161175-19997", "44051401359", "710319/2745", "1630615123457", "6101057509", "01013099997",
    "RCCMNL83S18D969H", "54362315K", "X-2482300W", "28 12345678 40", "2 55 08 14 168 025 38",
    "A123456780", "36 574 261 809", "85.07.30-033.28", "1237 010180", "756.9217.0769.85",
    "6433435F", "33392005961", "0101006500006", "943 476 5919", "AB 12 34 56 C",
    "DE89 3704 0044 0532 0130 00",
]  # fmt: skip
AFTER_WORD = [
    ("pnr 640823-3235", "640823-3235"),
    ("ΑΜΚΑ: 01013099998", "01013099998"),
    ("BSN 111222333", "111222333"),
    ("TAJ 123 456 789", "123 456 789"),
    ("NIF 501 964 843", "501 964 843"),
    ("NHS no. 943 476 5918", "943 476 5918"),
    ("fnr. 15108695089", "15108695089"),
    ("ID card no: 123456M", "123456M"),
    ("ΑΔΤ ΑΒ 123456", "ΑΒ 123456"),
    ("SV-Nr. 1238 010180", "1238 010180"),
]


@pytest.mark.parametrize("number", SURE)
def test_a_number_with_its_check_digit_is_found_alone(number: str) -> None:
    text = f"MR knä {number} kontroll"
    found = find_patterns(text)

    assert found and all(f.kind == "identifier" for f in found)
    assert (found[0].start, found[-1].end) == (7, 7 + len(number))


@pytest.mark.parametrize(("text", "number"), AFTER_WORD)
def test_a_wrong_check_digit_is_found_after_its_word(text: str, number: str) -> None:
    (found,) = find_patterns(text)

    assert found.kind == "identifier"
    assert text[found.start : found.end] == number


@pytest.mark.parametrize(
    "text",
    [
        "512 512 200", "370000000 Bq", "1250000 counts", "120 130 1405", "TR 3000 TE 120 FA 90",
        "FOV 400x400 512 512 24", "0.123456", "b0 b50 b400 b800 b1000", "LOINC 24627-2",
        "(SCT, 73211009)", "(DCM, 113100)", "MR750 VE11C syngo MR E11", "Gleason 3+4=7 PI-RADS 4",
        "CT 120 kV 250 mAs 5.0 B30f", "18F-FDG 312 MBq", "pT2bN0M0", "12 x 14 x 16 mm",
    ],
)  # fmt: skip
def test_measures_and_codes_are_no_person(text: str) -> None:
    assert find_patterns(text) == []
