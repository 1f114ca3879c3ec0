"""Media types asked for, and what is chosen of those that can be given."""

import pytest

from tessera.domain.dicomweb.accept import DICOM, OCTETS, Chosen, all_chosen, chosen, media_ranges

JPEG = "image/jpeg"


def test_no_header_takes_the_first_offer() -> None:
    assert chosen(media_ranges(""), [(DICOM, True)]) == Chosen(DICOM, True, "*")


def test_the_quality_decides_and_then_the_order() -> None:
    text = "image/png;q=0.4, image/jpeg;q=0.9, text/html, image/gif;q=0"
    assert [one.kind for one in media_ranges(text)] == ["text/html", JPEG, "image/png"]


def test_a_quoted_type_and_syntax_are_read() -> None:
    text = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'
    (one,) = media_ranges(text)
    assert (one.kind, one.is_multipart, one.syntax) == (DICOM, True, "1.2.840.10008.1.2.4.80")


def test_a_comma_inside_quotes_does_not_part_choices() -> None:
    assert len(media_ranges('multipart/related; type="a/b"; x="1,2;3", image/png')) == 2


def test_single_part_is_not_given_where_multipart_is_asked() -> None:
    ranges = media_ranges('multipart/related; type="application/octet-stream"')
    assert chosen(ranges, [(OCTETS, False)]) is None
    assert chosen(ranges, [(OCTETS, False), (OCTETS, True)]) == Chosen(OCTETS, True)


def test_wildcards_cover_subtypes() -> None:
    assert chosen(media_ranges("image/*"), [(DICOM, True), (JPEG, False)]) == Chosen(JPEG, False)


def test_what_fits_comes_in_the_order_of_preference() -> None:
    ranges = media_ranges("image/jpeg; q=0.5, application/dicom")
    found = all_chosen(ranges, [(JPEG, False), (DICOM, False)])
    assert [one.kind for one in found] == [DICOM, JPEG]


@pytest.mark.parametrize("text", [";;;,,", "a", "a/b;q=x", "/", "a/;q", '"', 'a/b;c="', "\0/\0"])
def test_nonsense_accepts_nothing_and_does_no_harm(text: str) -> None:
    assert chosen(media_ranges(text), [(DICOM, True)]) is None
