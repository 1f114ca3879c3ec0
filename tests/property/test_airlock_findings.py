"""Whatever a tool leaves, the checks come to an end with findings and never with an error."""

import io
import zipfile
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.access.airlock import Output
from tessera.domain.access.airlock_findings import inspect
from tessera.domain.access.airlock_search import Known
from tessera.domain.access.npz import InvalidArchive, members_of
from tessera.domain.access.tool import OutputKind

KNOWN = Known(
    minimum=10,
    n_subjects=30,
    subjects=frozenset({"TES-ABCDEFGHIJKLMNOP"}),
    uids=frozenset({"2.25.123456789012345678901234567890"}),
    hashes=frozenset({"ab" * 32}),
    sizes=frozenset({30}),
    image_shapes=frozenset({(64, 64)}),
)
NAMES = {
    "a.json": OutputKind.AGGREGATE,
    "a.csv": OutputKind.AGGREGATE,
    "a.svg": OutputKind.FIGURE,
    "a.png": OutputKind.FIGURE,
    "a.npz": OutputKind.MODEL,
    "a.txt": None,
}
SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
)


def codes(name: str, content: bytes) -> set[str]:
    output = Output(use_id="u", name=name, kind=NAMES[name], content=content)
    found = inspect(output, KNOWN, frozenset(OutputKind))
    assert found.sha256 == output.sha256
    return {one.code for one in found.findings}


@given(name=st.sampled_from(sorted(NAMES)), content=st.binary(max_size=300))
def test_any_bytes_are_judged(name: str, content: bytes) -> None:
    codes(name, content)


@given(name=st.sampled_from(("a.json", "a.csv", "a.svg")), text=st.text(max_size=200))
def test_any_text_is_judged(name: str, text: str) -> None:
    codes(name, text.encode("utf-8", "replace"))


@given(body=JSON)
def test_any_json_is_judged(body: object) -> None:
    import json

    codes("a.json", json.dumps(body).encode())


@given(
    before=st.text(alphabet="abcxyz {}[]:\"'0189", max_size=40),
    after=st.text(alphabet="abcxyz {}[]:\"'0189", max_size=40),
    name=st.sampled_from(sorted(NAMES)),
)
def test_a_pseudonym_is_found_wherever_it_stands(before: str, after: str, name: str) -> None:
    content = f"{before} abcdefghijklmnop {after}".encode()
    assert "pseudonym" in codes(name, content)


def archive(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    dtype=st.sampled_from(["<f4", "<f8", "<i2", ">i4", "|b1", "<U3", "|S4", "<c8"]),
    fortran=st.booleans(),
)
def test_every_plain_array_is_read_as_numpy_reads_it(
    shape: list[int], dtype: str, fortran: bool
) -> None:
    array = np.zeros(shape, dtype, order="F" if fortran else "C")
    (member,) = members_of(archive(w=array))
    assert member.name == "w" and member.array.shape == tuple(shape)
    assert member.array.dtype == array.dtype and (member.array == array).all()


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_archive_is_refused_or_reads_the_same(at: int, byte: int) -> None:
    whole = archive(w=np.arange(20.0), b=np.array(3))
    changed = bytearray(whole)
    changed[at % len(changed)] = byte
    try:
        members = members_of(bytes(changed))
    except InvalidArchive:
        return
    # What is left free: times and attributes of the members, which hold no array.
    assert [member.raw for member in members] == [one.raw for one in members_of(whole)]


# np.savez_compressed(file, a=np.zeros(10)), by Python 3.11.2: an extra field beside true sizes.
BEFORE_3_11_4 = (
    "UEsDBBQAAAAIAAAAIQCU/A8TSAAAANAAAAAFABQAYS5ucHkBABAA0AAAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc"
    "pG6loG6TZqGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoYGOpo6CrUK5AMuBioDAFBLAQIUAxQAAAAIAAAAIQCU"
    "/A8TSAAAANAAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLBQYAAAAAAQABADMAAAB/AAAAAAA="
)


def test_an_archive_by_an_older_python_is_read_as_strictly() -> None:
    content = b64decode(BEFORE_3_11_4)
    (member,) = members_of(content)
    assert (member.name, member.array.tolist()) == ("a", [0.0] * 10)
    at = content.index(b"a.npy") + len(b"a.npy") + 4
    for place in range(at, at + 16):  # the sizes of the extra field, which nobody reads
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(InvalidArchive):
            members_of(bytes(changed))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bomb_is_refused_before_it_is_unpacked(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr("w.npy", b"\x93NUMPY" + bytes(1000))
    raw = bytearray(out.getvalue())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (2_000_000_000).to_bytes(4, "little")
    with pytest.raises(InvalidArchive, match="unpacked"):
        members_of(bytes(raw))
