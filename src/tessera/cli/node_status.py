"""`tessera node status`: how a node stands, and what comes next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tessera.cli.show import print_json, told

_NEXT_AT_THE_HUB = {
    "pending": "waits for the hub's operator to approve it",
    "approved": "approved",
    "rejected": "rejected by the hub's operator",
    "revoked": "the hub's operator has taken the approval back",
}
_CONFIRM = {
    "due": "say by {by} that its description still holds",
    "overdue": "not confirmed since {by}, and its page says so",
}


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("status")(status_command)


def status_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the node holds, what waits, and how it stands at its hub.

    The numbers are exact: for the node's operator. That the hub is away is told, and no error.

    **Example:** `tessera node status /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.status import node_status

        status = node_status(open_node(home))
    if as_json:
        print_json(status)
        return
    lines = list(_lines(status))
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        typer.echo(f"{name:<{width}}  {text}".rstrip())


def _lines(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "node", f"{status['name']} ({status['country']}), {status['home']}"
    yield "profile", status["profile"]
    yield "count policy", status["policy"]
    yield from _hub(status["hub"])
    yield from _images(status["research"], status["intake"])
    yield from _clinical(status["clinical"])
    yield "opted out", _counted(status["opted_out"], "patient")
    yield from _datasets(status["datasets"])
    for identifier, one in status["confirmations"].items():
        if said := _CONFIRM.get(one["state"]):
            said = f"{identifier}: {said.format(by=one['by'])}"
            yield "for you", f"{said}: tessera node dataset confirm HOME {identifier}"
    waiting = status["waiting"]
    if n_files := waiting["arrivals"]:
        size = f"{waiting['arrivals_bytes'] / 1e6:.1f} MB"
        yield "received", f"{_counted(n_files, 'instance')} ({size}), not taken in yet"
    if waiting["pull_requests"] or waiting["pull_studies"]:
        n_requests = _counted(waiting["pull_requests"], "request")
        n_studies = _counted(waiting["pull_studies"], "study")
        yield "to fetch", f"{n_requests} to ask, {n_studies} to fetch"
    if n_permits := status["waiting"]["permits"]:
        yield "for you", f"{_counted(n_permits, 'permit')}: tessera node permit list HOME"
    if n_runs := status["waiting"]["runs_in_airlock"]:
        yield "for you", f"{_counted(n_runs, 'run')} in the airlock: tessera node airlock list HOME"


def _hub(hub: dict[str, str] | None) -> Iterator[tuple[str, str]]:
    if hub is None:
        yield "hub", "not joined; with an invite code: tessera node join HOME HUB_URL CODE"
        return
    yield "hub", f"{hub['name']}, {hub['url']}; this node is {hub['node_id']} there"
    state = _NEXT_AT_THE_HUB.get(hub["state"], f"not known now: {hub['detail']}")
    yield "", state


def _images(held: dict[str, int], intake: dict[str, int]) -> Iterator[tuple[str, str]]:
    if not intake:
        yield "images", "nothing yet; tessera node ingest HOME FOLDER"
        return
    yield (
        "images",
        f"{_counted(held['n_subjects'], 'subject')}, {_counted(held['n_studies'], 'study')}, "
        f"{_counted(held['n_series'], 'series')}, {_counted(held['n_instances'], 'instance')}, "
        f"{held['n_bytes'] / 1e6:.0f} MB",
    )
    name = "files read"
    for state, n in sorted(intake.items()):
        yield name, f"{n} {state}"
        name = ""
    if any(state.split()[0] in ("held", "refused") for state in intake):
        yield "", "why, and what to do: tessera node quarantine HOME"


def _clinical(clinical: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not clinical["deliveries"]:
        yield "clinical", "none yet; tessera clinical apply HOME TABLE --mapping FILE"
        return
    cancers = _counted(clinical["conditions"], "cancer")
    yield "clinical", f"{_counted(clinical['subjects'], 'subject')} with {cancers}"
    yield "", f"by {', '.join(clinical['mappings'])}; newest delivery {clinical['newest']}"


def _datasets(datasets: dict[str, dict[str, list[int]]]) -> Iterator[tuple[str, str]]:
    name = "datasets"
    if not datasets:
        yield name, "none yet; tessera node dataset create HOME --title …"
    for identifier, one in datasets.items():
        versions = ", ".join(
            f"{number} (published)" if number in one["published"] else str(number)
            for number in one["versions"]
        )
        word = "version" if len(one["versions"]) == 1 else "versions"
        yield name, f"{identifier}, {word} {versions}"
        name = ""


def _counted(n: int, word: str) -> str:
    plural = {"study": "studies", "series": "series"}.get(word, f"{word}s")
    return f"{n} {word if n == 1 else plural}"
