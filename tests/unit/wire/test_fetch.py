"""Questions and answers of a download are read back as they were written, and nothing else is."""

import contextlib
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.errors import TesseraError
from tessera.wire.fetch import FetchReply, Part, Piece, RelayMessage, pack, unpack

numbers = st.integers(0, 10**12)
parts = st.one_of(
    st.just(Part()),
    st.builds(Part, table=st.sampled_from(["patient", "series"]), offset=numbers),
    st.builds(
        lambda first, offset, more: Part(first=first, offset=offset, end=first + more),
        numbers,
        numbers,
        st.integers(1, 1000),
    ),
)


@given(parts)
def test_a_part_is_read_back(part: Part) -> None:
    assert Part.parse(str(part)) == part


@given(st.text(max_size=60))
def test_any_text_is_a_part_or_refused(text: str) -> None:
    with contextlib.suppress(TesseraError):
        assert str(Part.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["table ../x 0", "instances 5 0 5", "instances -1 0 4", "manifest 1", "table patient 01"],
)
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(TesseraError):
        Part.parse(text)


@given(parts, st.binary(max_size=50))
def test_an_answer_is_read_back_with_its_bytes_and_only_with_them(
    part: Part, content: bytes
) -> None:
    piece = Piece(index=0, offset=3, n_bytes=len(content), total_bytes=len(content) + 3)
    reply = FetchReply(use_id=str(uuid4()), part=part, pieces=(piece,), content=content)
    token, back = unpack(pack("a.b.c", content))
    assert (token, back) == ("a.b.c", content)
    assert FetchReply.read(reply.statement(), back) == reply
    with pytest.raises(TesseraError):
        FetchReply.read(reply.statement(), back + b"x")


def test_pieces_stay_within_their_files() -> None:
    piece = Piece(index=0, offset=3, n_bytes=4, total_bytes=5)
    reply = FetchReply(use_id=str(uuid4()), part=Part(), pieces=(piece,), content=b"abcd")
    with pytest.raises(TesseraError, match="within its file"):
        FetchReply.read(reply.statement(), b"abcd")


def test_a_problem_that_is_no_code_is_not_passed_on() -> None:
    body = RelayMessage(use_id=str(uuid4()), problem="<b>TES-ABC</b>").to_json()
    with pytest.raises(TesseraError):
        RelayMessage.from_json(body)
