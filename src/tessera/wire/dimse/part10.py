"""What stands before a received data set in its file. Source: PS3.10 section 7.1."""

from struct import Struct

_SHORT = Struct("<HH2sH")


def file_start(
    sop_class: str,
    instance: str,
    transfer_syntax: str,
    *,
    calling: str,
    called: str,
    implementation_uid: str,
    implementation_name: str,
) -> bytes:
    """Return preamble, prefix and file meta information; the data set follows untouched."""
    meta = (
        b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01"
        + _element(0x02, b"UI", sop_class)
        + _element(0x03, b"UI", instance)
        + _element(0x10, b"UI", transfer_syntax)
        + _element(0x12, b"UI", implementation_uid)
        + _element(0x13, b"SH", implementation_name)
        + _element(0x16, b"AE", calling)
        + _element(0x18, b"AE", called)
    )
    length = _SHORT.pack(2, 0, b"UL", 4) + len(meta).to_bytes(4, "little")
    return bytes(128) + b"DICM" + length + meta


def _element(number: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii")
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return _SHORT.pack(2, number, vr, len(value)) + value
