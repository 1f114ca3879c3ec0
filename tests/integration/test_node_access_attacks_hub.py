"""Attacks by a hostile hub: permits, tools and tasks of any content, in any order."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import uuid4

import pytest

from tessera.adapters.access_runs import FolderViews
from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.permits import outbox_of, permit_book
from tessera.bootstrap.tasks import Running, task_handlers
from tessera.domain.access.permit import (
    AccessMode,
    Action,
    PermitRefused,
    PermittedPerson,
    Reason,
)
from tessera.domain.access.tool import InvalidTool, tool_bundle
from tessera.domain.zones import Identified
from tessera.node.fetch import FetchDesk
from tessera.node.link import NodeLink
from tessera.node.tasks import TaskHandlers, permit_handlers
from tessera.node.uses import claimed_use
from tessera.ports.view import ViewMade
from tessera.wire.fetch import FetchReply, unpack
from tessera.wire.permit import use_payload
from tessera.wire.tasks import Task, TaskKind
from tests.integration.test_opt_out import tessera
from tests.opt_out_trial import PATIENTS
from tests.permit_trial import PermitTrial
from tests.run_trial import RunTrial

HER = PATIENTS[7]


@pytest.fixture
def trial(tmp_path: Path) -> PermitTrial:
    return PermitTrial(tmp_path)


@pytest.mark.parametrize("whose", ["hub", "node"])
def test_a_permit_for_the_hubs_or_the_nodes_own_key_is_not_taken(
    trial: PermitTrial, whose: str
) -> None:
    key = getattr(trial, whose).public_key.x
    person = replace(trial.person, keys=(trial.anna.public_key.x, key))
    permit = trial.permit(persons=(person,))
    with pytest.raises(PermitRefused) as caught:
        trial.book.receive(trial.signed(permit), [trial.tool])
    assert caught.value.reason is Reason.OTHER_PERSON


def test_a_key_is_of_one_person(trial: PermitTrial) -> None:
    other = PermittedPerson(
        person_id=str(uuid4()), name="Bo", organisation="Lund", keys=(trial.anna.public_key.x,)
    )
    permit = trial.permit(persons=(trial.person, other))
    with pytest.raises(PermitRefused) as caught:
        trial.book.receive(trial.signed(permit), [trial.tool])
    assert caught.value.reason is Reason.OTHER_PERSON


def test_who_countersigns_sees_whose_keys_they_are(tmp_path: Path) -> None:
    """The hub could name Anna and give its own key: only who knows hers can tell."""
    home = RunTrial(tmp_path)
    shown = tessera("node", "permit", "show", home.home, home.permit.permit_id[:8]).stdout
    assert home.anna.public_key.fingerprint in shown


@pytest.mark.parametrize(
    "path", ["x.pyc", "fast.so", "lib/__pycache__/x.cpython-311.pyc", "a.pyd", "a.pth"]
)
def test_what_nobody_can_read_is_no_part_of_a_tool(path: str) -> None:
    manifest = b'name = "a"\nversion = "1"\ntitle = "A"\n[entries]\nrun = "main.py"\n'
    with pytest.raises(InvalidTool):
        tool_bundle({"tool.toml": manifest, "main.py": b"", path: b"\0"})


@pytest.mark.parametrize(
    "files",
    [
        {"../x": b""},
        {"/etc/x": b""},
        {"a": b"", "a/b": b""},
        {"main.py/x.py": b""},
        {"a\0b": b""},
        {".hidden": b""},
        {"x" * 81: b""},
    ],
)
def test_odd_files_of_a_tool_harm_nothing(trial: PermitTrial, files: Mapping[str, bytes]) -> None:
    manifest = b'name = "a"\nversion = "1"\ntitle = "A"\n[entries]\nrun = "main.py"\n'
    named = {"tool.toml": manifest, "main.py": b"", **files}
    body = {
        "token": trial.signed(trial.permit()),
        "tools": [{name: b64encode(content).decode() for name, content in named.items()}],
    }
    handlers = TaskHandlers(outbox=trial.outbox, lasting=permit_handlers(trial.book))
    task_id = str(uuid4())

    async def take() -> None:
        handlers.take([Task(task_id=task_id, kind=TaskKind.PERMIT, body=body)])
        await handlers.close(5)

    before = set(trial.folder.parent.iterdir())
    asyncio.run(take())
    (waiting,) = trial.outbox.first()
    assert dict(waiting.body["body"])["problem"]  # type: ignore[call-overload]
    assert set(trial.folder.parent.iterdir()) == before
    assert not trial.book.records.all()


@pytest.mark.parametrize("kind", [*TaskKind, "new"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": 1},
        {"token": "a.b"},
        {"token": "a.\u00e5.c"},
        {"token": "." * 1000},
        {"token": "a." + "W1tbW1tb" * 50_000 + ".c"},
        {"use_id": "../../etc", "token": "", "kit": "å", "tools": {}},
        {"use_id": "é" * 100_000, "kit": "", "tools": [[]]},
    ],
)
def test_any_task_is_answered_and_nothing_else(
    tmp_path: Path, kind: str, body: dict[str, object]
) -> None:
    home = _shared(tmp_path)
    sent: list[object] = []

    async def relay(message: object) -> None:
        sent.append(message)

    async def take() -> None:
        link = cast("NodeLink", SimpleNamespace(relay=relay))
        handlers = task_handlers(Running.of(home.home, link))
        handlers.take([Task(task_id=str(uuid4()), kind=kind, body=body)])
        await handlers.close(10)

    home.told_all()
    asyncio.run(take())
    reports = home.told_all()
    assert len(reports) + len(sent) == 1
    for report in reports:
        assert report["problem"] not in ("", "internal"), report


_HOMES: dict[str, "HomeTrial"] = {}


class HomeTrial(RunTrial):
    def told_all(self) -> list[dict[str, object]]:
        outbox, found = outbox_of(self.home), []
        while waiting := outbox.first():
            found += [dict(one.body["body"]) for one in waiting]  # type: ignore[call-overload]
            outbox.remove([one.number for one in waiting])
        return found


def _shared(tmp_path: Path) -> HomeTrial:
    return _HOMES.setdefault("one", HomeTrial(tmp_path))


class SlowViews(FolderViews):
    """Waits in the middle of making a view until it is let go on."""

    begun: ClassVar = threading.Event()
    go_on: ClassVar = threading.Event()

    def make(self, *given: Any, **named: Any) -> ViewMade:
        type(self).begun.set()
        type(self).go_on.wait(10)
        return super().make(*given, **named)


def asked(home: RunTrial, desk: FetchDesk, what: str) -> FetchReply | str:
    reader = HpkeSealing().reader()
    _, task = home.task()
    use = claimed_use(str(task.body["token"]))
    use = replace(use, action=Action.FETCH, tool="", what=what, reply_key=reader.public_key)
    answer = desk.answer(use.use_id, home.anna.sign(use_payload(use)))
    if answer.problem:
        return answer.problem
    token, content = unpack(reader.open(answer.sealed, use.use_id))
    key = Ed25519Signer.load(LinkFolder(home.home / "link").key_file).public_key
    return FetchReply.read(Ed25519Verifier().verify(token, key), content)


def desk_of(home: RunTrial, views: FolderViews) -> FetchDesk:
    return FetchDesk(
        book=permit_book(home.home),
        views=views,
        folder=home.home / "runs" / "fetch",
        exclusions=exclusions_of(home.home),
        signer=Ed25519Signer.load(LinkFolder(home.home / "link").key_file),
        sealing=HpkeSealing(),
    )


def downloadable(tmp_path: Path) -> RunTrial:
    return RunTrial(tmp_path, modes=frozenset({AccessMode.RUN, AccessMode.DOWNLOAD}))


def test_who_opts_out_while_a_view_is_made_is_not_in_the_next_answer(tmp_path: Path) -> None:
    """Two questions; the second has looked who opted out, waits its turn, and is overtaken."""
    home = downloadable(tmp_path)
    views = SlowViews(home.node.research)
    desk = desk_of(home, views)
    answers: list[FetchReply | str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(asked(home, desk, "instances 0 0 60")))
        for _ in range(2)
    ]
    threads[0].start()
    SlowViews.begun.wait(10)
    threads[1].start()
    threading.Event().wait(1)
    opt_out(home.home, [Identified(HER)])
    SlowViews.go_on.set()
    for thread in threads:
        thread.join(20)
    assert any(isinstance(one, FetchReply) and len(one.left_out) == 2 for one in answers), answers
    assert isinstance(last := asked(home, desk, "instances 0 0 60"), FetchReply)
    assert len(last.left_out) == 2
