"""JSON form of a holder's notice about a published dataset. Pure."""

from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import dataset_id
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage


def notice_to_json(notice: Notice) -> dict[str, object]:
    return {
        "dataset_id": notice.dataset_id,
        "kind": notice.kind.value,
        "at": fields.moment_text(notice.at),
        "reason": notice.reason,
        "successor": notice.successor,
    }


def notice_from_json(body: Json) -> Notice:
    """Raises BadMessage."""
    try:
        kind = NoticeKind(fields.text(body, "kind"))
    except ValueError as err:
        raise BadMessage("kind", f"one of {', '.join(NoticeKind)}") from err
    successor = fields.text(body, "successor", "")
    try:
        return Notice(
            dataset_id=dataset_id(fields.text(body, "dataset_id")),
            kind=kind,
            at=fields.moment(body, "at"),
            reason=fields.text(body, "reason", ""),
            successor=dataset_id(successor) if successor else "",
        )
    except BadMessage:
        raise
    except InvalidInput as err:
        raise BadMessage("notice", str(err)) from err
