"""What is blanked and what stays, line by line."""

from dataclasses import dataclass
from importlib.resources import files

import pytest

from tessera.domain.deid.pixels.judge import PixelPolicy, is_text, judged
from tessera.domain.deid.pixels.marks import parse_marks

MARKS = parse_marks(
    (files("tessera.domain.deid") / "data" / "harmless_marks.txt").read_text("utf-8")
)


@dataclass(frozen=True)
class Run:
    kind: str


@dataclass(frozen=True)
class Line:
    text: str
    removed: tuple[Run, ...] = ()
    unsure: tuple[str, ...] = ()


class Judge:
    """Knows the patient Lindqvist and the words nodule and liver."""

    def names_somebody(self, text: str) -> bool:
        return "lindqvist" in text.casefold()

    def clean(self, text: str) -> Line:
        strange = [w for w in text.split() if w.isalpha() and w.lower() not in ("nodule", "liver")]
        return Line(text, (Run("unknown"),) if strange else ())


def action(text: str, score: float = 0.95, share: float = 0.01) -> tuple[str, str]:
    return judged(text, score, share, Judge(), MARKS, PixelPolicy())


@pytest.mark.parametrize(
    "text",
    [
        *("L", "R CC", "LCC", "RMLO", "L MLO", "MI 1.2", "TIs 0.4", "MI 1.2 TI 0.4", "100 mm"),
        *("15.2 cm", "FR 45 Hz", "65bpm", "49Hz", "C 50", "P Low", "T2 TSE TRA", "120 kV 80 mAs"),
        *("DLP 345 mGycm", "0 5 10 15", "-20", "50%", "AP SUPINE", "PORTABLE", "Left", "15fps"),
    ],
)
def test_marks_scales_and_settings_stay(text: str) -> None:
    assert action(text)[0] == "keep"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Lindqvist, Karin", "names-somebody"),
        ("12:30:45", "time"),
        ("+2:09:04", "time"),
        ("Svensson", "unknown-words"),
        ("liver 4711", "identifier"),
        ("78F78", "identifier"),
        ("2019", "identifier"),
        ("山田太郎", "other-script"),
        ("ΠΑΠΑΔΟΠΟΥΛΟΣ", "other-script"),
    ],
)
def test_what_names_or_is_not_known_is_blanked(text: str, reason: str) -> None:
    assert action(text) == ("blank", reason)


def test_known_words_stay_only_when_they_were_read_for_certain() -> None:
    assert action("nodule liver") == ("keep", "known-words")
    assert action("nodule liver", score=0.7) == ("blank", "unreadable")
    assert action("L CC", score=0.7) == ("blank", "unreadable")


def test_a_large_unreadable_place_is_shown_to_a_person() -> None:
    assert action("q#", score=0.4, share=0.3) == ("unsure", "large-area")
    strict = PixelPolicy(unreadable="unsure")
    assert judged("q#", 0.4, 0.01, Judge(), MARKS, strict) == ("unsure", "unreadable")


def test_a_site_can_have_every_line_blanked() -> None:
    everything = PixelPolicy(keep_harmless=False)
    assert judged("L CC", 0.99, 0.01, Judge(), MARKS, everything)[0] == "blank"


def test_bones_and_bars_are_no_text_and_long_unreadable_boxes_are() -> None:
    assert not is_text("O", 0.8, 500, 480, 512)
    assert not is_text("1", 0.9, 12, 60, 512)
    assert not is_text("一", 0.2, 33, 15, 512)
    assert is_text("", 0.0, 120, 14, 512)
    assert is_text("∩", 0.3, 120, 14, 512)
    assert is_text("KARIN", 0.99, 300, 110, 512)
