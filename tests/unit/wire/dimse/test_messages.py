"""Association and command messages against pynetdicom, which reads and writes them by itself."""

from contextlib import suppress
from functools import cache
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._uid_dict import UID_dictionary

from tessera.domain.errors import InvalidSettings
from tessera.wire.dimse.associate import (
    CALLED_NOT_KNOWN,
    CALLING_NOT_KNOWN,
    NO_APPLICATION_CONTEXT,
    AssociateRequest,
    ProposedContext,
    accept,
    parse_request,
)
from tessera.wire.dimse.command import C_STORE, SUCCESS, Command, answer, parse_command
from tessera.wire.dimse.limits import InvalidPdu
from tessera.wire.dimse.negotiation import (
    FULL_STORAGE,
    Caller,
    answers_to,
    chosen_syntax,
    granted_extensions,
    granted_roles,
    is_storage,
    refusal,
    who_calls,
)

pytest.importorskip("pynetdicom")

CT = "1.2.840.10008.5.1.4.1.1.2"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PRIVATE = "1.2.752.99.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
J2K, BIG = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.2"


def requested() -> bytes:
    """An A-ASSOCIATE-RQ as pynetdicom writes it, with every kind of negotiation."""
    from pynetdicom import build_context
    from pynetdicom.pdu import A_ASSOCIATE_RQ
    from pynetdicom.pdu_primitives import (
        A_ASSOCIATE,
        ImplementationClassUIDNotification,
        MaximumLengthNotification,
        SCP_SCU_RoleSelectionNegotiation,
        SOPClassCommonExtendedNegotiation,
        SOPClassExtendedNegotiation,
        UserIdentityNegotiation,
    )
    from pynetdicom.transport import AddressInformation

    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "PACS1", "TESSERA"
    primitive.calling_presentation_address = AddressInformation("127.0.0.1", 1)
    primitive.called_presentation_address = AddressInformation("127.0.0.1", 2)
    contexts = [
        build_context(CT, [IMPLICIT, EXPLICIT]),
        build_context(CT, [J2K]),
        build_context(FIND, [IMPLICIT]),
        build_context(PRIVATE, [EXPLICIT]),
    ]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    primitive.presentation_context_definition_list = contexts
    length, uid = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, uid.implementation_class_uid = 16382, "1.2.3"
    role, extended = SCP_SCU_RoleSelectionNegotiation(), SOPClassExtendedNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = CT, True, True
    extended.sop_class_uid, extended.service_class_application_information = CT, b"\2\0\3\0\1\0"
    common, person = SOPClassCommonExtendedNegotiation(), UserIdentityNegotiation()
    common.sop_class_uid, common.service_class_uid = PRIVATE, "1.2.840.10008.4.2"
    person.user_identity_type, person.primary_field = 1, b"anna"
    primitive.user_information = [length, uid, role, extended, common, person]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


@cache
def request_body() -> bytes:
    return requested()[6:]


def test_a_request_of_pynetdicoms_is_read_whole() -> None:
    request = parse_request(requested()[6:])
    assert (request.calling, request.called, request.max_pdu) == ("PACS1", "TESSERA", 16382)
    assert [c.abstract_syntax for c in request.contexts] == [CT, CT, FIND, PRIVATE]
    assert request.contexts[0] == ProposedContext(1, CT, (IMPLICIT, EXPLICIT))
    assert request.roles == {CT: (True, True)}
    assert request.extended == {CT: b"\2\0\3\0\1\0"}


def test_pynetdicom_reads_our_answer() -> None:
    from pynetdicom.pdu import A_ASSOCIATE_AC

    body = requested()[6:]
    request = parse_request(body)
    answered = accept(
        body,
        answers_to(request.contexts),
        max_pdu=1 << 20,
        implementation_uid="2.25.7",
        implementation_name="TESSERA",
        extended=granted_extensions(request),
        roles=granted_roles(request),
    )
    pdu = A_ASSOCIATE_AC()
    pdu.decode(answered)
    assert [(c.context_id, c.result) for c in pdu.presentation_context] == [
        (1, 0),
        (3, 0),
        (5, 3),
        (7, 0),
    ]
    assert [str(c.transfer_syntax) for c in pdu.presentation_context[:2]] == [EXPLICIT, J2K]
    assert pdu.user_information is not None
    assert pdu.user_information.maximum_length == 1 << 20
    assert [(r.scu_role, r.scp_role) for r in pdu.user_information.role_selection.values()] == [
        (1, 0)
    ]
    (extended,) = pdu.user_information.ext_neg
    assert extended.service_class_application_information == FULL_STORAGE
    assert pdu.encode() == answered


def test_commands_are_those_of_pynetdicom() -> None:
    from pynetdicom import dimse_primitives
    from pynetdicom.dimse_messages import C_STORE_RQ, C_STORE_RSP
    from pynetdicom.dsutils import decode, encode

    primitive = dimse_primitives.C_STORE()
    primitive.MessageID, primitive.AffectedSOPClassUID = 7, CT
    primitive.AffectedSOPInstanceUID, primitive.Priority = "1.2.3", 0
    primitive.DataSet = BytesIO(b"x")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    written = encode(message.command_set, True, True)
    assert written is not None
    command = parse_command(written)
    assert command == Command(
        field=C_STORE, message_id=7, has_data=True, sop_class=CT, instance="1.2.3"
    )
    pdu = answer(1, command, 0xA700, "No room")
    assert int.from_bytes(pdu[2:6], "big") == len(pdu) - 6
    assert pdu[10:12] == b"\1\3"
    response = C_STORE_RSP()
    response.command_set = decode(BytesIO(pdu[12:]), True, True)
    told = response.command_set
    assert (told.Status, told.MessageIDBeingRespondedTo, told.CommandField) == (0xA700, 7, 0x8001)
    assert (told.AffectedSOPInstanceUID, told.ErrorComment) == ("1.2.3", "No room")
    assert told.CommandGroupLength == len(pdu) - 12 - 12
    assert len(answer(1, command, SUCCESS)) % 2 == 0


def test_every_storage_class_of_the_dictionary_is_taken_and_no_other_service() -> None:
    wrong = [
        name
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind in ("SOP Class", "Meta SOP Class") and name
        if is_storage(uid)
        != ("Storage" in name and "Storage Commitment" not in name and "Media" not in name)
    ]
    assert not wrong
    assert is_storage(PRIVATE)


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((EXPLICIT, J2K), EXPLICIT),
        ((J2K, EXPLICIT), J2K),
        ((IMPLICIT, BIG), IMPLICIT),
        ((BIG,), BIG),
        (("1.2.840.113619.5.2", IMPLICIT), "1.2.840.113619.5.2"),
    ],
)
def test_a_syntax_is_taken_as_sent_if_nothing_is_lost(proposed: list[str], chosen: str) -> None:
    assert chosen_syntax(proposed) == chosen


def test_who_may_call() -> None:
    callers = [Caller.parse(t) for t in ("PACS1@10.1.0.0/16", "echo:MONITOR", "CT 1@::1")]
    assert who_calls(callers, "PACS1", "10.1.2.3") is callers[0]
    assert who_calls(callers, "PACS1", "::ffff:10.1.2.3") is callers[0]
    assert who_calls(callers, "PACS1", "10.2.0.1") is None
    assert who_calls(callers, "pacs1", "10.1.2.3") is None
    assert who_calls(callers, "CT 1", "::1") is callers[2]
    monitor = who_calls(callers, "MONITOR", "10.9.9.9")
    assert monitor is not None
    assert not monitor.may_store
    assert who_calls([], "PACS1", "10.1.2.3") is None
    for bad in ("", "@10.1.2.3", "echo:", "A" * 17, "PACS@nowhere", "Å", "A\\B"):
        with pytest.raises(InvalidSettings):
            Caller.parse(bad)


def test_why_an_association_is_refused() -> None:
    def asking(**changes: object) -> AssociateRequest:
        known: dict[str, object] = {
            "called": "TESSERA",
            "calling": "A",
            "application_context": "1.2.840.10008.3.1.1.1",
            "version": 1,
            "contexts": (),
        }
        return AssociateRequest(**(known | changes))  # type: ignore[arg-type]

    known = Caller("A")
    assert refusal(asking(), "TESSERA", known) is None
    assert refusal(asking(), "TESSERA", None) == CALLING_NOT_KNOWN
    assert refusal(asking(called="X"), "TESSERA", known) == CALLED_NOT_KNOWN
    assert refusal(asking(application_context="1.2"), "TESSERA", known) == NO_APPLICATION_CONTEXT
    assert refusal(asking(version=2), "TESSERA", known) is not None


@given(st.binary(max_size=300), st.integers(0, 500), st.integers(0, 255))
def test_damaged_messages_are_refused_and_nothing_else(tail: bytes, at: int, byte: int) -> None:
    whole = bytearray(request_body())
    whole[at % len(whole)] = byte
    for body in (bytes(whole), bytes(whole[: at % len(whole)]), bytes(68) + tail):
        with suppress(InvalidPdu):
            answers_to(parse_request(body).contexts)
    for command in (tail, b"\0\0\0\1\2\0\0\0\1\0" + tail):
        with suppress(InvalidPdu):
            parse_command(command)
