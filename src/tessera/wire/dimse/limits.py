"""What a peer may send, at the most. A stranger's bytes decide no allocation of ours."""

from typing import ClassVar, Final

from tessera.domain.errors import InvalidInput

LARGEST_PDU: Final = 1 << 20
"""Bytes of a P-DATA-TF PDU that we ask for; one that is larger ends the association."""
LARGEST_CONTROL_PDU: Final = 1 << 18
"""Bytes of an A-ASSOCIATE-RQ: 128 contexts with 30 transfer syntaxes each fit."""
LARGEST_COMMAND: Final = 1 << 14
"""Bytes of a command set; real ones are below 400."""
MOST_CONTEXTS: Final = 128
MOST_SYNTAXES: Final = 256
"""Transfer syntaxes of one context."""
MOST_ITEMS: Final = 1024
"""Items of any kind in one association request."""
LONGEST_UID: Final = 64


class InvalidPdu(InvalidInput):
    """A peer's bytes are not what the protocol allows; the association is ended.

    `reason` is that of the A-ABORT which says so (PS3.8 table 9-26). The message holds no
    value of the peer's.
    """

    code: ClassVar[str] = "invalid-pdu"
    public: ClassVar[str] = "The DICOM message is not valid."

    def __init__(self, message: str, reason: int = 6) -> None:
        super().__init__(message)
        self.reason = reason


UNRECOGNISED: Final = 1
UNEXPECTED: Final = 2
BAD_PARAMETER: Final = 6
