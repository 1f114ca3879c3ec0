"""The heads of another party's log that this party keeps."""

from pathlib import Path

from tessera.adapters.audit.lines import LineFile
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.tree import is_consistent
from tessera.domain.errors import InvalidInput, InvalidSettings
from tessera.ports.audit_log import Verdict
from tessera.ports.signing import Verifier
from tessera.wire.heads import ShownHead
from tessera.wire.keys import Keys, PublicKey
from tessera.wire.refusals import BadSignature


class KeptHeads:
    """The caller holds the lock."""

    def __init__(self, folder: Path, party: str, verifier: Verifier) -> None:
        self._good = LineFile(folder / f"{party}.jws")
        self._forked = LineFile(folder / f"{party}.forked.jws")
        self._verifier = verifier

    @property
    def size(self) -> int:
        """Entries of the newest head that is kept; 0 for none."""
        newest = self._newest()
        return newest.size if newest else 0

    def keep(self, key: PublicKey | Keys, shown: ShownHead) -> Verdict:
        if not shown.head:
            return Verdict.KNOWN
        try:
            head = TreeHead.decode(self._verifier.verify(shown.head, key))
        except (BadSignature, InvalidInput):
            return Verdict.UNSIGNED
        named = key.signing(head.log_id) if isinstance(key, Keys) else key
        if head.log_id != named.fingerprint:
            return Verdict.UNSIGNED
        kept = self._newest()
        if kept is None:
            return self._add(self._good, shown.head, Verdict.KEPT)
        if (head.size, head.root) == (kept.size, kept.root):
            return Verdict.KNOWN
        if head.size > kept.size and shown.since != kept.size:
            return Verdict.UNPROVEN
        if is_consistent(kept.size, head.size, kept.root, head.root, shown.proof):
            return self._add(self._good, shown.head, Verdict.KEPT)
        if shown.head.encode("ascii") in self._forked.lines():
            return Verdict.KNOWN
        return self._add(self._forked, shown.head, Verdict.FORKED)

    def _newest(self) -> TreeHead | None:
        line, torn = self._good.ends()
        self._good.mend(torn)
        if not line:
            return None
        try:
            return TreeHead.decode(self._verifier.unverified(line.decode("ascii")))
        except (ValueError, BadSignature) as err:
            path = self._good.path
            raise InvalidSettings(f"{path}: not a head; restore the file from a backup") from err

    def _add(self, file: LineFile, token: str, verdict: Verdict) -> Verdict:
        file.mend(file.ends()[1])
        file.append(token.encode("ascii"))
        return verdict
