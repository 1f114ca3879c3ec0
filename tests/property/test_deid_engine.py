"""Whatever pydicom can write goes through without an exception and without its identity."""

from io import BytesIO

import pydicom
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tessera.domain.deid.rules import DESCEND, KEEP_TEXT, REMOVE
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import DICTIONARY_VR, BytesSource, OddEncoding, read_file_meta
from tessera.domain.imaging.header import ROW_TAGS, scan
from tests.deid_oracle import encoded, rewritten, rules

RULES = rules()
TEXT_VRS = {"LO", "SH", "ST", "LT", "UT", "UC", "PN"}
SECRET = "Zxqvärnström"
TEXT_TAGS = sorted(
    tag
    for tag, vr in DICTIONARY_VR.items()
    if vr.decode() in TEXT_VRS and 0x00080000 < tag < 0x7FE00000 and tag & 0xFFFF
)
KEPT_TEXT = {tag for tag in TEXT_TAGS if RULES.actions[tag] == KEEP_TEXT}
SEQUENCE_TAGS = sorted(tag for tag, a in RULES.actions.items() if a == DESCEND)


def dataset(entries: list[tuple[int, int]]) -> Dataset:
    """Build nested data sets: (text tag, sequence tag or 0) places the secret."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.10.77.1"
    for tag, sequence in entries:
        target = ds
        if sequence:
            target = Dataset()
            held = ds.get(sequence)
            items = [*held.value, target] if held is not None else [target]
            ds.add_new(sequence, "SQ", Sequence(items))
        target.add_new(tag, dictionary_VR(tag), SECRET)
    return ds


places = st.lists(
    st.tuples(
        st.sampled_from([t for t in TEXT_TAGS if t not in KEPT_TEXT]),
        st.one_of(st.just(0), st.sampled_from(SEQUENCE_TAGS)),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(places, st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]))
def test_a_name_in_any_text_attribute_at_any_level_is_gone(
    entries: list[tuple[int, int]], syntax: str
) -> None:
    new, body = rewritten(encoded(dataset(entries), syntax), RULES)
    assert SECRET.encode() not in body
    assert b"1.2.826.0.1.3680043" not in body
    list(new.iterall())


@settings(deadline=None, max_examples=100)
@given(places)
def test_a_second_pass_changes_nothing_but_identity(entries: list[tuple[int, int]]) -> None:
    _, once = rewritten(encoded(dataset(entries)), RULES)
    ds = pydicom.dcmread(BytesIO(once), force=True)
    again = {e.tag for e in rewritten(encoded(ds), RULES)[0]}
    assert again == {e.tag for e in ds if e.tag.group > 2}


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_damaged_bytes_are_refused_and_never_crash(noise: bytes, cut: int) -> None:
    good = encoded(dataset([(0x00104000, 0), (0x00081030, 0)]))
    for data in (good[: len(good) - cut], good + noise, b"\0" * 128 + b"DICM" + noise, noise):
        try:
            source = BytesSource(data)
            scan(source, read_file_meta(source), ROW_TAGS)
            rewritten(data, RULES)
        except (InvalidDicom, OddEncoding):
            pass


def test_removal_is_what_happens_to_what_nobody_knows() -> None:
    assert RULES.actions.get(0x00189999, REMOVE) == REMOVE
