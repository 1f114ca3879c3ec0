"""Which part of the node takes up a use, by what it asks for; and which stops it."""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence

from tessera.domain.access.permit import Action, Use
from tessera.domain.errors import NotFound
from tessera.node.tasks import Handler, in_thread
from tessera.wire import fields
from tessera.wire.permit import read_use
from tessera.wire.refusals import BadMessage
from tessera.wire.tasks import Task


def claimed_use(token: str) -> Use:
    """Return what a use says of itself, its signature unseen. Raises BadMessage, WrongType."""
    try:
        payload = token.split(".")[1]
        raw = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (ValueError, IndexError) as err:
        raise BadMessage("token", "a compact JWS") from err
    return read_use(raw)


def use_handler(by_action: Mapping[Action, Callable[[Task], None]]) -> Handler:
    """Return a handler of USE tasks that hands each to the part that does its action."""

    def take(task: Task) -> None:
        action = claimed_use(fields.text(task.body, "token")).action
        if action not in by_action:
            raise BadMessage("action", f"one of {', '.join(by_action)}")
        by_action[action](task)

    return in_thread(take)


def stop_handler(stoppers: Sequence[Callable[[str], bool]]) -> Handler:
    """Return a handler of STOP tasks: the first part that knows the use stops it."""

    def stop(task: Task) -> None:
        use_id = fields.text(task.body, "use_id")
        if not any(stopper(use_id) for stopper in stoppers):
            raise NotFound("there is no such run here")

    return in_thread(stop)
