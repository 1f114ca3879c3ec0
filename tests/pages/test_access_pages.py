"""The pages of permits, runs and tools: right, safe and usable, in both languages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tessera.domain.access.people import Grant, Role
from tessera.domain.access.permit import Permit
from tessera.domain.access.tool import tool_bundle
from tessera.wire.permit import use_payload
from tessera.wire.tasks import ReportKind, RunState
from tests.access_trial import Researcher, ScriptedNode, counting_tool, permit_for, use_of
from tests.hub_trial import TrialHub, served, trial_hub
from tests.pages.html_check import elements, faults

TOOL = counting_tool()
HOSTILE = "</code><script>alert('x')</script>{{ 7*7 }}"


@dataclass(frozen=True)
class Shown:
    trial: TrialHub
    url: str
    anna: Researcher
    carl: Researcher
    node: ScriptedNode
    permit: Permit
    use_id: str

    def page(self, path: str, by: Researcher | None = None, language: str = "en") -> httpx.Response:
        return httpx.get(
            self.url + path,
            headers={
                "Authorization": f"Bearer {(by or self.anna).token}",
                "Accept": "text/html",
                "Accept-Language": language,
            },
            trust_env=False,
        )


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    with trial_hub(tmp_path / "hub") as trial:
        anna = Researcher.at(trial, tmp_path, "anna")
        carl = Researcher.at(trial, tmp_path, "carl", Grant(Role.COMMITTEE))
        node = ScriptedNode.at(trial, tmp_path, "Linkoping")
        away = ScriptedNode.at(trial, tmp_path, "Valencia")
        trial.hub.tools.add(anna.person, TOOL)
        permit = permit_for(
            trial.clock.at, anna, nodes=(node, away), tool=TOOL, title=f"MR {HOSTILE}"
        )
        trial.hub.permits.issue(permit)
        node.take_up()
        node.countersign(permit.permit_id, trial.hub.permits.find(permit.permit_id).sha256)
        use = use_of(trial, permit.permit_id, node)
        trial.hub.runs.start(anna.person, anna.signer.sign(use_payload(use)), {})
        for state in (RunState.RUNNING, RunState.IN_AIRLOCK):
            node.report(ReportKind.RUN, use_id=use.use_id, state=state)
        with served(trial.hub) as url:
            yield Shown(trial, url, anna, carl, node, permit, use.use_id)


def release(shown: Shown) -> None:
    shown.node.deliver(shown.node.part(shown.use_id, b"{}"))
    shown.node.report(ReportKind.RUN, use_id=shown.use_id, state="released")


@pytest.mark.parametrize("language", ["en", "sv"])
def test_every_page_is_well_formed_safe_and_labelled(shown: Shown, language: str) -> None:
    release(shown)
    for path in (
        "/permits",
        f"/permits/{shown.permit.permit_id}",
        f"/runs/{shown.use_id}",
        "/tools",
        f"/tools/{TOOL.digest}",
    ):
        reply = shown.page(path, language=language)
        assert reply.status_code == 200, path
        assert faults(reply.text) == [], path
        assert elements(reply.text)[0].attributes["lang"] == language
        assert "<script>" not in reply.text and "{%" not in reply.text


def test_the_permit_says_how_it_stands_and_how_to_use_it(shown: Shown) -> None:
    page = shown.page(f"/permits/{shown.permit.permit_id}").text
    assert "Countersigned" in page and "Sent" in page and "In force" not in page
    assert f"tessera run counts --permit {shown.permit.permit_id} --hub" in page
    assert "In the airlock" in page
    assert f"/runs/{shown.use_id}" in page
    listed = shown.page("/permits").text
    assert "1 of 2 hospitals have countersigned" in listed and "In force" in listed
    token = shown.page(f"/permits/{shown.permit.permit_id}/token")
    assert token.text == shown.trial.hub.permits.find(shown.permit.permit_id).token
    assert token.headers["content-disposition"].startswith("attachment")


def test_the_committee_sees_the_permit_and_can_end_it_but_not_the_runs(shown: Shown) -> None:
    path = f"/permits/{shown.permit.permit_id}"
    page = shown.page(path, by=shown.carl).text
    assert "End this permit" in page and shown.use_id not in page
    assert "End this permit" not in shown.page(path).text
    assert shown.page(f"/runs/{shown.use_id}", by=shown.carl).status_code == 404
    shown.trial.hub.permits.revoke(shown.permit.permit_id, "The project has ended.", "committee")
    page = shown.page(path).text
    assert "has been revoked" in page and "The project has ended." in page
    assert "End this permit" not in shown.page(path, by=shown.carl).text


def test_a_run_shows_its_files_only_when_they_are_released(shown: Shown) -> None:
    path = f"/runs/{shown.use_id}"
    page = shown.page(path).text
    assert "Nothing has been released." in page and "Stop the run" in page
    release(shown)
    page = shown.page(path).text
    assert f'href="{path}/files/counts.json"' in page and "Stop the run" not in page
    assert shown.page(f"{path}/files/counts.json").content == b"{}"


def test_a_reviewer_reads_every_line_of_a_tool(shown: Shown) -> None:
    files = {
        **TOOL.files,
        "main.py": f"# {HOSTILE}\nx = '\u202e'\n".encode(),
        "blob.bin": b"\xff\x00",
    }
    added = shown.trial.hub.tools.add(shown.anna.person, tool_bundle(files))
    page = shown.page(f"/tools/{added.digest}").text
    assert "&lt;script&gt;alert(" in page and "{{ 7*7 }}" in page
    assert "\\u202e" in page and "\u202e" not in page
    assert "This file is not text." in page
    assert len(re.findall(r"<li><code>", page)) == 3 + len(
        TOOL.files["tool.toml"].decode().split("\n")
    )
    assert faults(page) == []


def test_the_commands_on_the_page_are_those_of_the_program(shown: Shown) -> None:
    import typer
    from typer.main import get_command

    from tessera.cli.register import register_all
    from tessera.domain.access.permit import AccessMode
    from tessera.http.permit_page import commands

    held = shown.trial.hub.permits.find(shown.permit.permit_id)
    every_mode = replace(held, permit=replace(held.permit, modes=frozenset(AccessMode)))
    app = typer.Typer()
    register_all(app)
    root = get_command(app)
    found = commands(every_mode, "https://hub.example.org")
    assert [words for words, _ in found] == ["login", "run", "fetch", "results"]
    for _, command in found:
        program, name, *rest = shlex.split(command)
        assert program == "tessera"
        root.commands[name].make_context(name, rest)  # type: ignore[attr-defined]
