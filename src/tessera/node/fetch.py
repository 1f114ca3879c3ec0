"""A permitted download: one part of a dataset version, for the eyes of the one who asked.

Subjects who have opted out since the version was made are not in it: neither their instances
nor their rows.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from tessera.domain.access.permit import Action, PermitRefused, Reason, Use
from tessera.domain.catalogue.manifest import Manifest, parse_manifest
from tessera.domain.errors import InvalidInput, NotFound, TesseraError, Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.link import NodeLink
from tessera.node.permits import PermitBook
from tessera.node.tasks import Handler
from tessera.ports.exclusions import Exclusions
from tessera.ports.sealing import Sealing
from tessera.ports.signing import Signer
from tessera.ports.view import ViewMaker, place_in_view
from tessera.wire import fields
from tessera.wire.fetch import PART_BYTES, FetchReply, Part, Piece, RelayMessage, pack
from tessera.wire.tasks import Task

_MOST_PIECES: Final = 2000
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class _View:
    """A version as it may be seen now; made anew when somebody opts out or back in."""

    manifest: Manifest
    folder: Path
    excluded: frozenset[Pseudonym]


class FetchDesk:
    """Answers fetches from a view of each version; `folder` is its own."""

    def __init__(
        self,
        *,
        book: PermitBook,
        views: ViewMaker,
        folder: Path,
        exclusions: Exclusions,
        signer: Signer,
        sealing: Sealing,
    ) -> None:
        self._book = book
        self._maker = views
        self._folder = folder
        self._exclusions = exclusions
        self._signer = signer
        self._sealing = sealing
        self._views: dict[tuple[DatasetId, int], _View] = {}
        self._making = Lock()
        views.remove(folder)  # of an earlier process

    def answer(self, use_id: str, token: str) -> RelayMessage:
        """Return the sealed part, or the problem; never raises a deliberate error."""
        try:
            use = self._book.check(token, Action.FETCH).use
            if use.use_id != use_id:
                raise PermitRefused(Reason.ALTERED)
            reply = self._reply(use)
            signed = self._signer.sign(reply.statement())
            sealed = self._sealing.seal(pack(signed, reply.content), use.reply_key, use.use_id)
        except PermitRefused as err:
            return RelayMessage(use_id=use_id, problem=err.reason.value)
        except TesseraError as err:
            return RelayMessage(use_id=use_id, problem=err.code)
        return RelayMessage(use_id=use_id, sealed=sealed)

    def _reply(self, use: Use) -> FetchReply:
        if len(use.datasets) != 1:
            raise InvalidInput("a fetch names one dataset version")
        part = Part.parse(use.what)
        for _ in range(_TRIES):
            view = self._view(use, *use.datasets[0])
            reply = _of_view(use, part, view)
            # Made anew meanwhile, its files were gone: that does not mean an opt-out.
            if self._views.get(use.datasets[0]) is view:
                return reply
        raise Unavailable("the view of the version is being made anew; ask again")

    def _view(self, use: Use, dataset_id: DatasetId, number: int) -> _View:
        permitted = {
            (one.dataset_id, one.version): one.manifest_sha256
            for one in self._book.permit(use.permit_id).of_node(use.node_id)
        }
        key = (dataset_id, number)
        if key not in permitted:
            raise PermitRefused(Reason.DATASET)
        with self._making:
            excluded = self._exclusions.excluded()  # now, and not before another view was made
            known = self._views.get(key)
            is_same = known is not None and known.manifest.sha256 == permitted[key]
            if known is None or not is_same or known.excluded != excluded:
                made = self._maker.make(
                    self._folder / str(number),
                    dataset_id,
                    number,
                    manifest_sha256=permitted[key],
                    excluded=excluded,
                )
                manifest = parse_manifest((made.folder / "manifest.json").read_bytes())
                known = self._views[key] = _View(manifest, made.folder, excluded)
            return known


def _of_view(use: Use, part: Part, view: _View) -> FetchReply:
    if part.table:
        return _table(use.use_id, part, view)
    if part.end:
        return _instances(use.use_id, part, view)
    raw = view.manifest.raw
    whole = Piece(index=0, offset=0, n_bytes=len(raw), total_bytes=len(raw))
    return FetchReply(use_id=use.use_id, part=part, pieces=(whole,), content=raw)


def _table(use_id: str, part: Part, view: _View) -> FetchReply:
    if part.table not in view.manifest.tables:
        raise NotFound(f"the version has no table {part.table}")
    content = _read(view.folder / "tables" / f"{part.table}.parquet")
    piece = content[part.offset : part.offset + PART_BYTES]
    end = part.offset + len(piece)
    return FetchReply(
        use_id=use_id,
        part=part,
        pieces=(Piece(index=0, offset=part.offset, n_bytes=len(piece), total_bytes=len(content)),),
        is_filtered=sha256(content).hexdigest() != view.manifest.tables[part.table].sha256,
        following=Part(table=part.table, offset=end) if end < len(content) else None,
        content=piece,
    )


def _instances(use_id: str, part: Part, view: _View) -> FetchReply:
    pieces: list[Piece] = []
    content = bytearray()
    left_out: list[int] = []
    following = None
    for index in range(part.first, min(part.end, len(view.manifest.instances))):
        offset = part.offset if index == part.first else 0
        room = PART_BYTES - len(content)
        if room <= 0 or len(pieces) + len(left_out) >= _MOST_PIECES:
            following = Part(first=index, offset=offset, end=part.end)
            break
        entry = view.manifest.instances[index]
        path = view.folder / place_in_view(entry.path)
        if not path.exists():
            left_out.append(index)
            continue
        piece = _read(path, offset, min(room, entry.n_bytes - offset))
        pieces.append(
            Piece(index=index, offset=offset, n_bytes=len(piece), total_bytes=entry.n_bytes)
        )
        content += piece
        if offset + len(piece) < entry.n_bytes:
            following = Part(first=index, offset=offset + len(piece), end=part.end)
            break
    return FetchReply(
        use_id=use_id,
        part=part,
        pieces=tuple(pieces),
        left_out=tuple(left_out),
        following=following,
        content=bytes(content),
    )


def _read(path: Path, offset: int = 0, n_bytes: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(n_bytes)
    except OSError as err:
        raise Unavailable("a file of the version cannot be read at this node") from err


def fetch_handler(desk: FetchDesk, link: NodeLink) -> Handler:
    """Return the handler that sends the answer through the hub to who waits for it."""

    async def answer(task: Task) -> None:
        use_id, token = fields.text(task.body, "use_id"), fields.text(task.body, "token")
        relayed = await asyncio.to_thread(desk.answer, use_id, token)
        await link.relay(relayed.to_json())

    return answer
