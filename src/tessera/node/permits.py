"""The permits of a node: taken in, countersigned by a person there, and asked at each use.

The hub is not believed: at each use the hub's signature, the node's own countersignature and
the person's signature are checked anew from the stored tokens.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tessera.domain.access.permit import (
    Action,
    Permit,
    PermitRefused,
    PermittedPerson,
    Reason,
    Use,
    check_period,
    check_use,
)
from tessera.domain.access.tool import ToolBundle
from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.domain.ids import NodeId
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.permit_book import (
    KeptPermit,
    PermitRecords,
    Revoked,
    RevokedBy,
    ToolShelf,
    Verdict,
)
from tessera.ports.signing import KeyRing, Verifier
from tessera.wire.keys import Keys, PublicKey
from tessera.wire.permit import Countersignature, Revocation, read_permit, read_use, token_sha256
from tessera.wire.refusals import BadSignature, WrongType
from tessera.wire.tasks import Report, ReportKind
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
_BEHIND: Final = timedelta(seconds=300)
"""How far the clock may be behind what it showed before, as where it is set by NTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUse:
    """A use that the node does: everything in it has been checked, here and now."""

    permit: Permit
    permit_sha256: str
    use: Use
    person: PermittedPerson
    key: str
    """The person's public key that signed it."""
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitBook:
    """All methods may be called from several threads; every check is in the audit log."""

    node_id: NodeId
    hub_keys: Callable[[], Keys]
    """Return the hub's keys as they are pinned now: another process may follow a renewal."""
    records: PermitRecords
    tools: ToolShelf
    signer: KeyRing
    verifier: Verifier
    audit: AuditLog
    clock: Clock

    def receive(self, token: str, tools: Sequence[ToolBundle]) -> Permit:
        """Take a permit in; it allows nothing before a person here has countersigned it.

        Again changes nothing, but keeps tools that had not come. Raises PermitRefused: ALTERED
        when it is not signed by this node's hub or has another text than the one kept,
        OTHER_NODE, and TOOL when a bundle is none of its tools.
        """
        try:
            permit = self.read(token)
            self._check_received(permit, tools)
            for bundle in tools:
                self.tools.put(bundle)
            kept_before = self.records.find(permit.permit_id)
            if self.records.put(permit.permit_id, token, self.clock.now()) != token:
                raise PermitRefused(
                    Reason.ALTERED, f"another text of permit {permit.permit_id} came before"
                )
        except PermitRefused as err:
            self._append(events.permit_not_taken(self._claimed_id(token), err.reason))
            raise
        if kept_before is None:
            sha256 = token_sha256(token)
            self._append(events.permit_received(permit.permit_id, sha256, len(permit.tools)))
        return permit

    def revoke(self, token: str) -> None:
        """Take a revocation of the hub in, also of a permit that has not come yet.

        Raises PermitRefused ALTERED when the hub did not sign it.
        """
        try:
            revocation = Revocation.read(self.verifier.verify(token, self.hub_keys()))
        except (BadSignature, InvalidInput, WrongType) as err:
            self._append(events.permit_not_taken(self._claimed_id(token), Reason.ALTERED))
            raise PermitRefused(Reason.ALTERED, "not a revocation of this node's hub") from err
        revoked = Revoked(
            source=RevokedBy.HUB,
            token=token,
            reason=revocation.reason,
            at=self.clock.now(),
        )
        self._end(revocation.permit_id, revoked, None)

    def revoke_here(self, permit_id: str, reason: str, by: str) -> bool:
        """End a permit at this node for ever; False when it was over. Raises PermitRefused UNKNOWN.

        What runs under it is stopped within seconds. The hub gets to know `reason`, not `by`.
        """
        self._kept(permit_id)
        now = self.clock.now()
        revocation = Revocation(permit_id=permit_id, reason=one_line(reason, 500), at=now)
        token = self.signer.sign(revocation.payload())
        body = {"permit_id": permit_id, "reason": revocation.reason, "token": token}
        revoked = Revoked(
            source=RevokedBy.NODE, token=token, reason=revocation.reason, at=now, by=by
        )
        return self._end(permit_id, revoked, Report(kind=ReportKind.REVOKED, body=body))

    def check(self, token: str, action: Action, *, task_id: str = "") -> CheckedUse:
        """Return a use that may go on now. Raises PermitRefused with its reason; audited.

        A run or a training is taken up once, and again only for the same `task_id`, as after a
        kill. A fetch may be repeated within its window. Raises Unavailable, and Conflict when
        the audit log is damaged: then nothing is allowed.
        """
        use: Use | None = None
        person: PermittedPerson | None = None
        try:
            use = self._read_use(token)
            kept = self._kept(use.permit_id)
            permit = self._in_force(kept)
            person, key = self._signed_by(permit, token)
            sha256 = token_sha256(kept.token)
            if use.permit_sha256 != sha256:
                raise PermitRefused(Reason.ALTERED, "the use is signed for another text")
            if use.action is not action:
                raise PermitRefused(Reason.MODE, f"{use.action} where {action} belongs")
            now = self.clock.now()
            check_use(permit, use, signed_by=key, node_id=self.node_id, now=now)
            if action is not Action.FETCH and not self.records.take_up(use.use_id, task_id, now):
                raise PermitRefused(Reason.STALE, "it was taken up before")
        except PermitRefused as err:
            self._told(use, person, action, err.reason)
            raise
        self._told(use, person, action, "")
        return CheckedUse(
            permit=permit, permit_sha256=sha256, use=use, person=person, key=key, token=token
        )

    def permit(self, permit_id: str) -> Permit:
        """Return a permit that is in force now. Raises PermitRefused, Unavailable."""
        return self._in_force(self._kept(permit_id))

    def still_allowed(self, permit_id: str) -> Reason | None:
        """Return why work under a permit must stop now, None while it may go on.

        Sees what another process changed. UNKNOWN also when the records cannot be read.
        """
        try:
            self.permit(permit_id)
        except PermitRefused as err:
            return err.reason
        except Unavailable as err:
            _log.error("permit %s: %s", permit_id, err)
            return Reason.UNKNOWN
        return None

    def tool(self, digest: str) -> ToolBundle:
        """Return a tool that came with a permit. Raises NotFound, InvalidTool."""
        return self.tools.find(digest)

    def tool_folder(self, digest: str) -> Path:
        """Return the read-only folder of a tool. Raises as `tool`."""
        return self.tools.folder(digest)

    def read(self, token: str) -> Permit:
        """Return a permit that this node's hub has signed. Raises PermitRefused ALTERED."""
        try:
            return read_permit(self.verifier.verify(token, self.hub_keys()))
        except (BadSignature, InvalidInput, WrongType) as err:
            raise PermitRefused(Reason.ALTERED, f"not a permit of this node's hub: {err}") from err

    def check_countersigned(self, kept: KeptPermit) -> None:
        """Raise PermitRefused unless this node has countersigned exactly this text."""
        decision = kept.decision
        if decision is None or decision.verdict is not Verdict.COUNTERSIGNED:
            raise PermitRefused(Reason.NOT_COUNTERSIGNED)
        try:
            payload = self.verifier.verify(decision.token, self.signer.keys())
            mine = Countersignature.read(payload)
        except (BadSignature, InvalidInput, WrongType) as err:
            raise PermitRefused(Reason.ALTERED, "the countersignature is not this node's") from err
        of = (mine.permit_id, mine.permit_sha256, mine.node_id)
        if of != (kept.permit_id, token_sha256(kept.token), self.node_id):
            raise PermitRefused(Reason.ALTERED, "the countersignature is of another permit")

    def check_clock(self) -> datetime:
        """Return the present moment. Raises PermitRefused CLOCK when the clock was set back."""
        now = self.clock.now()
        latest = self.records.latest(now)
        if now < latest - _BEHIND:
            raise PermitRefused(
                Reason.CLOCK,
                f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC and has said "
                f"{latest:%Y-%m-%d %H:%M}; set it right, or, when it is right now, use "
                "`tessera node permit clock HOME --accept`",
            )
        return now

    def accept_clock(self) -> datetime:
        """Take the present moment for right, whatever the clock showed before; audited."""
        now = self.clock.now()
        latest = self.records.latest(now)
        self._append(events.clock_accepted(latest.isoformat(), now.isoformat()))
        return self.records.latest(now, anew=True)

    def _kept(self, permit_id: str) -> KeptPermit:
        kept = self.records.find(permit_id)
        if kept is None:
            raise PermitRefused(Reason.UNKNOWN, f"no permit {permit_id} has come to this node")
        return kept

    def _in_force(self, kept: KeptPermit) -> Permit:
        """Return the permit after all checks that need no use."""
        permit = self.read(kept.token)
        if permit.permit_id != kept.permit_id:
            raise PermitRefused(Reason.ALTERED, "it is kept as another permit")
        if kept.revoked is not None:
            raise PermitRefused(Reason.REVOKED, f"by the {kept.revoked.source}")
        self.check_countersigned(kept)
        check_period(permit, self.check_clock())
        return permit

    def _check_received(self, permit: Permit, tools: Sequence[ToolBundle]) -> None:
        if self.node_id not in permit.nodes():
            raise PermitRefused(Reason.OTHER_NODE, "no dataset of this node is in it")
        keys = [key for person in permit.persons for key in person.keys]
        ours = [*self.hub_keys().all(), *self.signer.keys().all()]
        if {key.x for key in ours} & set(keys) or len(set(keys)) < len(keys):
            raise PermitRefused(
                Reason.OTHER_PERSON, "a key in it is the hub's, this node's, or of two persons"
            )
        for bundle in tools:
            if permit.tool(bundle.digest) is None:
                raise PermitRefused(Reason.TOOL, f"{bundle.digest} is not in it")

    def _read_use(self, token: str) -> Use:
        """Return what a use claims; its signature needs the permit that it names."""
        try:
            return read_use(self.verifier.unverified(token))
        except BadSignature as err:
            raise PermitRefused(Reason.OTHER_PERSON, "the use is not signed") from err
        except (InvalidInput, WrongType) as err:
            raise PermitRefused(Reason.ALTERED, f"not a use: {err}") from err

    def _signed_by(self, permit: Permit, token: str) -> tuple[PermittedPerson, str]:
        """Return the person of the permit whose key has signed this token, and the key."""
        named = self.verifier.key_name(token)
        for person in permit.persons:
            for key in map(PublicKey, person.keys):
                if key.fingerprint != named:
                    continue
                try:
                    self.verifier.verify(token, key)
                except BadSignature as err:
                    raise PermitRefused(Reason.OTHER_PERSON, "the signature is wrong") from err
                return person, key.x
        raise PermitRefused(Reason.OTHER_PERSON)

    def _end(self, permit_id: str, revoked: Revoked, report: Report | None) -> bool:
        """Revoke first and write down after: a damaged log must not keep a permit alive."""
        is_new = self.records.revoke(permit_id, revoked, report)
        if is_new:
            self._append(events.permit_ended(permit_id, revoked.source))
        return is_new

    def _told(
        self, use: Use | None, person: PermittedPerson | None, action: Action, reason: str
    ) -> None:
        self._append(
            events.use_checked(
                permit_id=use.permit_id if use else "",
                use_id=use.use_id if use else "",
                person_id=person.person_id if person else "",
                action=action,
                datasets=[f"{name} v{number}" for name, number in use.datasets] if use else (),
                reason=reason,
            )
        )

    def _claimed_id(self, token: str) -> str:
        """Return the permit that a text claims to be about, for the log; proves nothing."""
        try:
            payload = self.verifier.unverified(token)
            try:
                return read_permit(payload).permit_id
            except TesseraError:
                return Revocation.read(payload).permit_id
        except TesseraError:
            return ""

    def _append(self, event: Event) -> None:
        self.audit.append(event, self.clock.now())
