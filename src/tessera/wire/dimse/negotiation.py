"""Which of a requestor's wishes a storage provider grants. Source: PS3.7 annex D, PS3.4 annex B."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from tessera.domain.errors import InvalidSettings
from tessera.wire.dimse.associate import (
    ABSTRACT_NOT_SUPPORTED,
    ACCEPTED,
    APPLICATION_CONTEXT,
    CALLED_NOT_KNOWN,
    CALLING_NOT_KNOWN,
    NO_APPLICATION_CONTEXT,
    NO_PROTOCOL_VERSION,
    AssociateRequest,
    ContextAnswer,
    ProposedContext,
    Rejection,
)

VERIFICATION: Final = "1.2.840.10008.1.1"
_STANDARD: Final = "1.2.840.10008."
_STORAGE: Final = ("1.2.840.10008.5.1.4.1.1.", "1.2.840.10008.5.1.1.27", "1.2.840.10008.5.1.1.29")
_STORAGE_ALONE: Final = frozenset(
    """
    1.2.840.10008.5.1.1.30 1.2.840.10008.5.1.4.34.1 1.2.840.10008.5.1.4.34.7
    1.2.840.10008.5.1.4.34.10
    1.2.840.10008.5.1.4.38.1 1.2.840.10008.5.1.4.39.1 1.2.840.10008.5.1.4.43.1
    1.2.840.10008.5.1.4.44.1 1.2.840.10008.5.1.4.45.1
    """.split()
)
"""Storage classes outside the arc that has most of them. Source: PS3.6 table A-1."""
_NOT_STORAGE: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{end}"
    for end in "40 200.4 200.5 200.6 201.2 201.3 201.4 201.5 201.6".split()
)
"""Other services on that arc."""
_ECHO: Final = "echo:"
_IMPLICIT: Final = "1.2.840.10008.1.2"
_LAST_RESORT: Final = (
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205",
)
"""Big endian, and the syntaxes whose pixels are elsewhere, at an address."""
FULL_STORAGE: Final = b"\x02\x00\x00\x00\x00\x00"
"""Level 2 (all elements are kept), no claim on signatures, no coercion. Source: PS3.4 B.3.1."""


def is_storage(abstract_syntax: str) -> bool:
    """Tell whether instances of a class are taken: all storage classes, and all private ones."""
    if not abstract_syntax.startswith(_STANDARD):
        return True
    if abstract_syntax in _NOT_STORAGE:
        return False
    return abstract_syntax.startswith(_STORAGE) or abstract_syntax in _STORAGE_ALONE


def chosen_syntax(proposed: Sequence[str]) -> str:
    """Return the transfer syntax to take of those that a requestor offers for one context.

    The first, since a requestor names first what it has, save for those that lose the VRs of
    private elements or the pixels: they are taken when nothing else is offered.
    """
    return min(proposed, key=_rank)


def _rank(syntax: str) -> int:
    if syntax == _IMPLICIT:
        return 2
    if syntax in _LAST_RESORT:
        return 3
    return 0 if syntax.startswith(_STANDARD) else 1


def answers_to(contexts: Sequence[ProposedContext]) -> tuple[ContextAnswer, ...]:
    """Return the answer to each proposed context, in their order."""
    return tuple(_answer_to(context) for context in contexts)


def _answer_to(context: ProposedContext) -> ContextAnswer:
    if context.abstract_syntax == VERIFICATION or is_storage(context.abstract_syntax):
        syntax = chosen_syntax(context.transfer_syntaxes)
        return ContextAnswer(context.context_id, ACCEPTED, syntax)
    return ContextAnswer(context.context_id, ABSTRACT_NOT_SUPPORTED, context.transfer_syntaxes[0])


def granted_roles(request: AssociateRequest) -> dict[str, tuple[bool, bool]]:
    """Return the answers to proposed roles: the requestor uses, we provide (PS3.7 D.3.3.4)."""
    return {uid: (as_user, False) for uid, (as_user, _) in request.roles.items()}


def granted_extensions(request: AssociateRequest) -> dict[str, bytes]:
    """Return the answers to extended negotiation of storage classes that were accepted."""
    proposed = {context.abstract_syntax for context in request.contexts}
    return {uid: FULL_STORAGE for uid in request.extended if uid in proposed and is_storage(uid)}


@dataclass(frozen=True, slots=True)
class Caller:
    """An application entity that may call, as the settings name it."""

    title: str
    """"*" is any."""
    network: str = ""
    """Address or network that it calls from; "" is any."""
    may_store: bool = True
    """False: it may verify that we are there, and nothing else."""

    @classmethod
    def parse(cls, text: str) -> "Caller":
        """Read `TITLE`, `TITLE@10.1.2.3`, `TITLE@10.1.0.0/16`, or `echo:TITLE`.

        Raises InvalidSettings.
        """
        may_store = not text.startswith(_ECHO)
        title, _, network = (part.strip() for part in text.removeprefix(_ECHO).partition("@"))
        try:
            if network:
                ip_network(network, strict=False)
            if not title.isascii() or not title.isprintable() or "\\" in title:
                raise ValueError
            if not 1 <= len(title) <= 16:
                raise ValueError
        except ValueError as err:
            raise InvalidSettings(
                f"dicom_callers: {text!r:.60} is not TITLE, TITLE@ADDRESS or echo:TITLE, with a "
                "title of 1 to 16 characters"
            ) from err
        return cls(title, network, may_store)

    def fits(self, title: str, address: str) -> bool:
        if self.title not in ("*", title):
            return False
        if not self.network:
            return True
        here = ip_address(address.partition("%")[0])
        mapped = getattr(here, "ipv4_mapped", None)
        return (mapped or here) in ip_network(self.network, strict=False)


def who_calls(callers: Collection[Caller], title: str, address: str) -> Caller | None:
    """Return the entry under which an entity may call: one that names it goes before "*"."""
    fitting = [caller for caller in callers if caller.fits(title, address)]
    return max(fitting, key=lambda one: (one.title != "*", one.may_store), default=None)


def refusal(request: AssociateRequest, our_title: str, caller: Caller | None) -> Rejection | None:
    """Return why an association is refused, None when it is not."""
    if not request.version & 1:
        return NO_PROTOCOL_VERSION
    if request.application_context != APPLICATION_CONTEXT:
        return NO_APPLICATION_CONTEXT
    if request.called != our_title:
        return CALLED_NOT_KNOWN
    return CALLING_NOT_KNOWN if caller is None else None
