"""Use case: a person at the node looks at a permit, and countersigns or declines it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tessera.domain.access.permit import Permit, PermitRefused, PermittedDataset, Reason
from tessera.domain.audit import events
from tessera.domain.errors import Conflict, InvalidInput, NotFound, TesseraError
from tessera.node.datasets import subjects_of_version
from tessera.node.permits import PermitBook
from tessera.ports.dataset_store import DatasetStore
from tessera.ports.exclusions import Exclusions
from tessera.ports.permit_book import Decision, KeptPermit, Verdict
from tessera.wire.permit import Countersignature, token_sha256
from tessera.wire.tasks import Report, ReportKind
from tessera.wire.text import one_line


class Standing(StrEnum):
    """How a permit stands at this node now."""

    WAITING = "waiting"
    """A person here has not answered yet."""
    IN_FORCE = "in-force"
    NOT_YET = "not-yet"
    EXPIRED = "expired"
    DECLINED = "declined"
    REVOKED = "revoked"
    ALTERED = "altered"
    """What is kept is not what was signed; it allows nothing."""
    CLOCK = "clock"
    """The machine's clock was set back; it allows nothing until it is right."""


_STANDING = {
    Reason.NOT_YET: Standing.NOT_YET,
    Reason.EXPIRED: Standing.EXPIRED,
    Reason.REVOKED: Standing.REVOKED,
    Reason.CLOCK: Standing.CLOCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLooked:
    """One dataset version of a permit as it is here."""

    named: PermittedDataset
    problem: str
    """Empty when the node has exactly this version."""
    n_opted_out: int
    """Subjects in it who have opted out; they are left out of every use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitSeen:
    """A permit for the eyes of a person at the node."""

    kept: KeptPermit
    standing: Standing
    permit: Permit | None
    """None when it is altered."""
    missing_tools: tuple[str, ...] = ()
    """Digests that have not come, or were changed."""

    @property
    def sha256(self) -> str:
        return token_sha256(self.kept.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Countersigning:
    book: PermitBook
    store: DatasetStore
    exclusions: Exclusions

    def listed(self) -> tuple[PermitSeen, ...]:
        """Return every permit, as they came."""
        return tuple(self._seen(kept) for kept in self.book.records.all())

    def look_at(self, permit_id: str) -> PermitSeen:
        """Return one permit. Raises NotFound."""
        kept = self.book.records.find(permit_id)
        if kept is None:
            raise NotFound(f"no permit {permit_id} has come to this node")
        return self._seen(kept)

    def versions(self, permit: Permit) -> tuple[VersionLooked, ...]:
        """Return this node's dataset versions in a permit, each compared with what is here."""
        excluded = self.exclusions.excluded()
        looked = []
        for one in permit.of_node(self.book.node_id):
            n_out = 0
            try:
                manifest = self.store.manifest(one.dataset_id, one.version)
                same = manifest.sha256 == one.manifest_sha256
                problem = "" if same else "its content here is not what the permit names"
                if same:
                    subjects = subjects_of_version(self.store, one.dataset_id, one.version)
                    n_out = len(excluded & subjects)
            except NotFound:
                problem = "this node has no such version"
            except TesseraError as err:
                problem = f"it cannot be read: {err}"
            looked.append(VersionLooked(named=one, problem=problem, n_opted_out=n_out))
        return tuple(looked)

    def countersign(self, permit_id: str, by: str) -> tuple[VersionLooked, ...]:
        """Agree to a permit, by the node's signature; again changes nothing. Durable.

        Returns the dataset versions, with how many of each have opted out. Raises NotFound;
        PermitRefused when the permit is altered, revoked or expired; Conflict when it was
        declined, or when a version or a tool is not here as the permit names it.
        """
        by = _name(by)
        seen = self.look_at(permit_id)
        permit = self._still_open(seen)
        looked = self.versions(permit)
        if _is(seen, Verdict.COUNTERSIGNED):
            return looked
        if _is(seen, Verdict.DECLINED):
            raise Conflict(f"permit {permit_id} was declined here; the hub must issue a new one")
        wrong = [f"{one.named.dataset_id} v{one.named.version}: {one.problem}" for one in looked]
        wrong = [text for text, one in zip(wrong, looked, strict=True) if one.problem]
        wrong += [f"tool {digest} has not come" for digest in seen.missing_tools]
        if wrong:
            raise Conflict(f"permit {permit_id} cannot be countersigned: {'; '.join(wrong)}")
        now = self.book.clock.now()
        mine = Countersignature(
            permit_id=permit_id,
            permit_sha256=seen.sha256,
            node_id=self.book.node_id,
            by=by,
            at=now,
        )
        token = self.book.signer.sign(mine.payload())
        decision = Decision(verdict=Verdict.COUNTERSIGNED, by=by, at=now, token=token)
        body = {"permit_id": permit_id, "token": token}
        self._decide(seen, decision, Report(kind=ReportKind.COUNTERSIGNED, body=body))
        return looked

    def decline(self, permit_id: str, reason: str, by: str) -> None:
        """Say no to a permit, for good; again changes nothing. The hub gets to know `reason`.

        Raises NotFound, and Conflict when it was countersigned: then it can be revoked.
        """
        seen = self.look_at(permit_id)
        if _is(seen, Verdict.COUNTERSIGNED):
            raise Conflict(f"permit {permit_id} was countersigned here; revoke it")
        decision = Decision(
            verdict=Verdict.DECLINED,
            by=_name(by),
            at=self.book.clock.now(),
            reason=one_line(reason, 500),
        )
        body = {"permit_id": permit_id, "reason": decision.reason}
        if not _is(seen, Verdict.DECLINED):
            self._decide(seen, decision, Report(kind=ReportKind.DECLINED, body=body))

    def _decide(self, seen: PermitSeen, decision: Decision, report: Report) -> None:
        """Write it down and then do it: what the log does not take does not happen."""
        permit_id, now = seen.kept.permit_id, self.book.clock.now()
        told = events.permit_decided(permit_id, seen.sha256, decision.verdict)
        self.book.audit.append(told, now)
        kept = self.book.records.decide(permit_id, decision, report)
        if kept.verdict is not decision.verdict:
            raise Conflict(f"permit {permit_id} was {kept.verdict} by another at the same time")

    def _still_open(self, seen: PermitSeen) -> Permit:
        for standing, reason in (
            (Standing.ALTERED, Reason.ALTERED),
            (Standing.REVOKED, Reason.REVOKED),
            (Standing.CLOCK, Reason.CLOCK),
            (Standing.EXPIRED, Reason.EXPIRED),
        ):
            if seen.standing is standing:
                raise PermitRefused(reason)
        if seen.permit is None:
            raise PermitRefused(Reason.ALTERED)
        if self._now() >= seen.permit.ends:
            raise PermitRefused(Reason.EXPIRED, f"ended {seen.permit.ends:%Y-%m-%d}")
        return seen.permit

    def _now(self) -> datetime:
        return self.book.check_clock()

    def _seen(self, kept: KeptPermit) -> PermitSeen:
        try:
            permit = self.book.read(kept.token)
        except PermitRefused:
            return PermitSeen(kept=kept, standing=Standing.ALTERED, permit=None)
        missing = tuple(one.digest for one in permit.tools if not self._has(one.digest))
        return PermitSeen(
            kept=kept, standing=self._standing(kept), permit=permit, missing_tools=missing
        )

    def _standing(self, kept: KeptPermit) -> Standing:
        if kept.revoked is None and kept.decision is None:
            return Standing.WAITING
        if kept.revoked is None and kept.decision and kept.decision.verdict is Verdict.DECLINED:
            return Standing.DECLINED
        reason = self.book.still_allowed(kept.permit_id)
        return Standing.IN_FORCE if reason is None else _STANDING.get(reason, Standing.ALTERED)

    def _has(self, digest: str) -> bool:
        try:
            self.book.tool(digest)
        except (NotFound, InvalidInput):
            return False
        return True


def _is(seen: PermitSeen, verdict: Verdict) -> bool:
    return seen.kept.decision is not None and seen.kept.decision.verdict is verdict


def _name(by: str) -> str:
    name = one_line(by, 200)
    if not name:
        raise InvalidInput("a person's name or account is needed (--by)")
    return name
