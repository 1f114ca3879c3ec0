"""Multipart bodies: however they are cut, the parts are the same; nothing else gets through."""

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.dicomweb.multipart import (
    MultipartReader,
    PartBegins,
    PartBytes,
    PartEnds,
    closing,
    part_header,
)
from tessera.domain.errors import InvalidInput

BOUNDARY = "b0undary"
BYTES = st.binary(max_size=200).filter(lambda data: BOUNDARY.encode() not in data)


def body_of(parts: list[bytes]) -> bytes:
    pieces = [
        part_header(BOUNDARY, "application/dicom", first=not number) + data
        for number, data in enumerate(parts)
    ]
    return b"".join(pieces) + closing(BOUNDARY)


def parsed(body: bytes, cuts: list[int]) -> tuple[list[bytes], bool]:
    reader = MultipartReader(BOUNDARY)
    parts: list[bytes] = []
    ended = 0
    for first, last in pairwise([0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]):
        for piece in reader.feed(body[first:last]):
            if isinstance(piece, PartBegins):
                parts.append(b"")
            elif isinstance(piece, PartBytes):
                parts[-1] += piece.data
            else:
                ended += 1
    assert ended <= len(parts)
    return parts[:ended], reader.is_whole


@given(st.lists(BYTES, max_size=5), st.lists(st.integers(0, 2000), max_size=8))
def test_parts_come_back_whole_however_the_body_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    assert parsed(body_of(parts), cuts) == (parts, True)


@given(st.lists(BYTES, min_size=1, max_size=3), st.integers(1, 10))
def test_a_body_that_is_cut_off_is_not_whole(parts: list[bytes], lost: int) -> None:
    body = body_of(parts)[: -lost - 4]
    found, is_whole = parsed(body, [])
    assert not is_whole
    assert found == parts[: len(found)]


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_any_bytes_are_parsed_or_refused(data: bytes, cuts: list[int]) -> None:
    with suppress(InvalidInput):
        parsed(data, cuts)


@given(st.binary(max_size=300).map(lambda d: b"--" + BOUNDARY.encode() + b"\r\n" + d))
def test_hostile_headers_are_parsed_or_refused(data: bytes) -> None:
    with suppress(InvalidInput):
        parsed(data, [])


def test_a_header_without_end_is_refused_before_memory_fills() -> None:
    reader = MultipartReader(BOUNDARY)
    list(reader.feed(b"--b0undary\r\n"))
    try:
        for _ in range(100):
            list(reader.feed(b"x" * 1000))
    except InvalidInput:
        return
    raise AssertionError("a header of 100,000 bytes was taken")


def test_a_part_without_headers_is_a_part() -> None:
    reader = MultipartReader(BOUNDARY)
    pieces = list(reader.feed(b"--b0undary\r\n\r\nabc\r\n--b0undary--"))
    assert pieces == [PartBegins({}), PartBytes(b"abc"), PartEnds()]
