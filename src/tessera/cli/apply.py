"""`tessera apply` and `tessera applications`: ask for access, follow it, decide on it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.client.application_file import ApplicationFile
    from tessera.client.client import Client
    from tessera.wire.applications import WrittenContents

applications_app = typer.Typer(
    no_args_is_help=True, help="Applications for access: yours, and those you decide on."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
HubUrl = Annotated[str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")]
Id = Annotated[str, typer.Argument(help="As `tessera applications list` shows it.")]
DEFAULT_HUB = "http://127.0.0.1:8700"
_SEARCH_S = 15
DECISIONS = ("accept", "decline", "ask", "grant", "refuse", "take-back", "conclude")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("apply")(apply)
    app.add_typer(applications_app, name="applications")


def apply(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="The application, TOML.")
    ] = None,
    hub: HubUrl = DEFAULT_HUB,
    submit: Annotated[bool, typer.Option("--submit", help="Submit it at once.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print a file to fill in, and ask nobody.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Apply for access to datasets of several hospitals with one file.

    Without `--submit` it stays a draft, to be finished on the hub's pages.

    **Example:** `tessera apply --example > mine.toml`, then
    `tessera apply mine.toml --submit --hub https://hub.example.org`
    """
    from tessera.client.application_file import example as example_file

    if example:
        typer.echo(example_file(), nl=False)
        return
    if file is None:
        raise typer.BadParameter("name a file; `--example` prints one to fill in")
    with told():
        from tessera.bootstrap.access import signed_in_client
        from tessera.client.application_file import read_application

        read = read_application(file.read_text("utf-8"))
        with signed_in_client(hub) as client:
            made: Mapping[str, Any] = client.draft_application(_contents(client, read))
            if submit:
                made = client.application_step(made["application_id"], "submit")
        _tell(made, json=json)


@applications_app.command("list")
def list_applications(hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """List the applications that you may see, last changed first.

    **Example:** `tessera applications list --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found: list[Mapping[str, Any]] = list(client.applications())
        if json:
            print_json(found)
            return
        if not found:
            typer.echo("no application")
        for one in found:
            mark = "  your turn" if any(t["due_at"] for t in one["my_turns"]) else ""
            typer.echo(f"{one['application_id']}  {one['stage']}  {_line(one['title'])}{mark}")


@applications_app.command("show")
def show(application_id: Id, hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """Show one application: where it is, whose turn it is, what was decided.

    **Example:** `tessera applications show 6f1c… --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found = client.application(application_id)
        _tell(found, json=json)


@applications_app.command("submit")
def submit_draft(application_id: Id, hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """Submit a draft of yours.

    **Example:** `tessera applications submit 6f1c… --hub https://hub.example.org`
    """
    _step(hub, application_id, "submit", json=json)


@applications_app.command("answer")
def answer(
    application_id: Id,
    text: Annotated[str, typer.Option("--text", help="The answer.")],
    node: Annotated[
        str, typer.Option("--node", help="The hospital that asked; the committee otherwise.")
    ] = "",
    hub: HubUrl = DEFAULT_HUB,
    json: AsJson = False,
) -> None:
    """Answer a question that the committee or a hospital has asked you.

    **Example:** `tessera applications answer 6f1c… --text "Approved, number 2026-01234." --hub https://hub.example.org`
    """
    _step(hub, application_id, "answer", json=json, text=text, node_id=node or None)


@applications_app.command("withdraw")
def withdraw(application_id: Id, hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """Withdraw an application of yours for good.

    **Example:** `tessera applications withdraw 6f1c… --hub https://hub.example.org`
    """
    _step(hub, application_id, "withdraw", json=json)


@applications_app.command("decide")
def decide(
    application_id: Id,
    decision: Annotated[str, typer.Argument(help=f"One of: {', '.join(DECISIONS)}.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", help="As node/dataset; all that wait for you otherwise."),
    ] = None,
    node: Annotated[str, typer.Option("--node", help="The hospital for which you ask.")] = "",
    conditions: Annotated[str, typer.Option("--conditions", help="With grant.")] = "",
    until: Annotated[str, typer.Option("--until", help="With grant: the last day.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="With refuse and decline.")] = "",
    text: Annotated[str, typer.Option("--text", help="With ask: the question.")] = "",
    hub: HubUrl = DEFAULT_HUB,
    json: AsJson = False,
) -> None:
    """Decide for the committee, or as the holder at a hospital.

    Committee: accept, decline, ask, conclude. Holder: grant, refuse, take-back, ask.

    **Example:** `tessera applications decide 6f1c… grant --dataset linkoping/prostate`
    """
    if decision not in DECISIONS:
        raise typer.BadParameter(f"{decision!r}: use one of {', '.join(DECISIONS)}")
    if decision in ("accept", "conclude"):
        _step(hub, application_id, decision, json=json)
    elif decision == "decline":
        _step(hub, application_id, decision, json=json, reason=reason)
    elif decision == "ask":
        _step(hub, application_id, decision, json=json, text=text, node_id=node or None)
    else:
        said: dict[str, Mapping[str, object]] = {
            "grant": {"conditions": conditions, "until": until or None},
            "refuse": {"reason": reason},
        }
        _each(hub, application_id, decision, dataset or [], said.get(decision, {}), json=json)


def _each(
    hub: str,
    application_id: str,
    decision: str,
    datasets: list[str],
    said: Mapping[str, object],
    *,
    json: bool,
) -> None:
    """Decide on each dataset that is named, or that waits for this person."""
    with told():
        from tessera.bootstrap.access import signed_in_client
        from tessera.client.application_file import dataset_named
        from tessera.domain.errors import Conflict

        with signed_in_client(hub) as client:
            state: Mapping[str, Any] = client.application(application_id)
            mine = {turn["node_id"] for turn in state["my_turns"]}
            named = [dataset_named(one)[:2] for one in datasets] or [
                (one["node_id"], one["dataset_id"])
                for one in state["decisions"]
                if one["node_id"] in mine and one["verdict"] == "open" and decision != "take-back"
            ]
            if not named:
                raise Conflict("no dataset waits for your decision; name one with --dataset")
            for node, name in named:
                which = {"node_id": node, "dataset_id": name}
                state = client.application_step(application_id, decision, **which, **said)
        _tell(state, json=json)


def _step(hub: str, application_id: str, type: str, *, json: bool, **said: object) -> None:
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            state = client.application_step(application_id, type, **said)
        _tell(state, json=json)


def _contents(client: "Client", read: "ApplicationFile") -> "WrittenContents":
    """Ask the hospitals the file's query, and find the tools by name."""
    from tessera.domain.cohort.result import Outcome
    from tessera.domain.errors import NotFound

    datasets, search_id = read.datasets, ""
    if read.query:
        found = client.search(read.query, _SEARCH_S)
        search_id = found.search_id
        if not datasets:
            datasets = tuple(
                (row.node_id, row.dataset_id, row.version)
                for row in found.results
                if row.outcome is Outcome.COUNTED
            )
    digests = []
    known = {tool.name: tool.digest for tool in reversed(client.tools())} if read.tools else {}
    for name in read.tools:
        if not name.startswith("sha256:") and name not in known:
            raise NotFound(f"the hub has no tool {name!r}; see `tessera tool list`")
        digests.append(known.get(name, name))
    return replace(read.contents, datasets=datasets, search_id=search_id, tools=tuple(digests))


def _tell(state: Mapping[str, Any], *, json: bool) -> None:
    if json:
        print_json(dict(state))
        return
    typer.secho(_line(state["title"]) or "(untitled)", bold=True)
    typer.echo(f"  {state['application_id']}  {state['stage']}")
    if state["reason"]:
        typer.echo(f"  reason: {_line(state['reason'])}")
    for one in state["decisions"]:
        said = one["conditions"] or one["reason"]
        line = f"  {one['node_id']}/{one['dataset_id']} v{one['version']}: {one['verdict']}"
        typer.echo(line + (f" ({_line(said)})" if said else ""))
    for turn in state["turns"]:
        if turn["due_at"]:
            whose = turn["whose"] + (f" {turn['node_id']}" if turn["node_id"] else "")
            typer.echo(f"  turn of {whose}, due {turn['due_at'][:10]}")
    for message in state["thread"]:
        kind = "answer" if message["is_answer"] else "question"
        typer.echo(f"  {kind}: {_line(message['text'])}")
    if state["permit_id"]:
        typer.echo(f"  permit {state['permit_id']}")
    elif state["stage"] == "concluded":
        typer.echo("  no permit yet: nothing was granted, or nobody has registered a key")


def _line(text: str) -> str:
    from tessera.wire.text import one_line

    return one_line(" ".join(text.split()))
