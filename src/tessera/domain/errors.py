"""Every error this project raises on purpose.

TesseraError
 ├─ NotFound
 ├─ InvalidInput (ValueError)
 │   ├─ InvalidDicom          an instance cannot be read, de-identified or trusted
 │   ├─ InvalidQuery          a cohort query cannot be understood
 │   ├─ InvalidMapping        a clinical mapping file is wrong
 │   └─ InvalidSettings       a settings or profile file is wrong
 ├─ Conflict                  the thing is not in a state that allows this
 ├─ Refused                   authentication or permission
 │   └─ NotSignedIn           nobody is signed in where somebody must be
 └─ Unavailable               the other side does not answer
"""

from typing import ClassVar


class TesseraError(Exception):
    """Base of all deliberate errors.

    `code` is stable and documented; programs match on it. `public` is what a
    remote party may read: it never carries a DICOM attribute value, a path or a
    query. Detail for the operator goes in the exception's own message and
    stays in this process's log.
    """

    code: ClassVar[str] = "internal"
    public: ClassVar[str] = "Something went wrong on this side."


class NotFound(TesseraError):
    """A named thing does not exist, or the caller may not know that it does."""

    code = "not-found"
    public = "There is nothing here, or you may not see it."


class InvalidInput(TesseraError, ValueError):
    """A caller broke a documented precondition."""

    code = "invalid-input"
    public = "The request is not valid."


class InvalidDicom(InvalidInput):
    """An instance cannot be read, de-identified or trusted; it is quarantined.

    `reason` is a stable short code (a quarantine reason), `element` the tag as
    "(gggg,eeee)" or "" when the fault is not in one element, `mend` what a
    person can do about it. None of them carries an attribute value.
    """

    code = "invalid-dicom"
    public = "The DICOM instance is not valid."

    def __init__(self, reason: str, message: str, *, element: str = "", mend: str = "") -> None:
        where = f" at {element}" if element else ""
        hint = f"; {mend}" if mend else ""
        super().__init__(f"{message}{where}{hint}")
        self.reason = reason
        self.message = message
        self.element = element
        self.mend = mend

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_invalid_dicom, (self.reason, self.message, self.element, self.mend))


def _rebuild_invalid_dicom(reason: str, message: str, element: str, mend: str) -> InvalidDicom:
    return InvalidDicom(reason, message, element=element, mend=mend)


def uid_conflict() -> InvalidDicom:
    """Return the refusal of a second content for one SOP Instance UID; the first stays."""
    return InvalidDicom(
        "uid-conflict",
        "another instance with this SOP Instance UID has other content",
        element="(0008,0018)",
        mend="find out at the sender which of the two is right",
    )


class InvalidQuery(InvalidInput):
    """A cohort query cannot be understood. `position` is a 0-based character offset.

    `line` is that of a form, from 0; -1 when it is of none.
    """

    code = "invalid-query"
    public = "The cohort query is not valid."

    def __init__(self, message: str, *, position: int = 0, mend: str = "", line: int = -1) -> None:
        super().__init__(f"{message}{'; ' + mend if mend else ''}")
        self.message = message
        self.position = position
        self.mend = mend
        self.line = line


class InvalidMapping(InvalidInput):
    """A clinical mapping file is wrong; the message names the key."""

    code = "invalid-mapping"
    public = "The clinical mapping is not valid."


class InvalidSettings(InvalidInput):
    """A settings or profile file is wrong; the message names the key."""

    code = "invalid-settings"
    public = "The settings are not valid."


class Conflict(TesseraError):
    """The thing is not in a state that allows this."""

    code = "conflict"
    public = "This is not possible in the present state."


class Refused(TesseraError):
    """Not signed, not by the right party, too old, or not allowed."""

    code = "refused"
    public = "This is not allowed."


class NotSignedIn(Refused):
    """Nobody is signed in, or the session or token has run out."""

    code = "not-signed-in"
    public = "Sign in first."


class Unavailable(TesseraError):
    """The other side cannot be reached or did not answer in time."""

    code = "unavailable"
    public = "The other side does not answer."
