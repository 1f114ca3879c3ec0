"""`tessera run`, `runs`, `results`, `stop`: a person's runs under a permit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from rich.table import Table

    from tessera.client.client import Client
    from tessera.wire.runs import Run

_WAIT_S = 20.0
HubUrl = Annotated[str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")]
PermitId = Annotated[str, typer.Option("--permit", help="As `tessera permits` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Names = Annotated[list[str] | None, typer.Option("--node", help="Only at this node; repeat.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for results, one below it per node.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("run")(run)
    app.command("runs")(runs)
    app.command("results")(results)
    app.command("stop")(stop)


def run(
    tool: Annotated[str, typer.Argument(help="Name or digest of a tool in the permit.")],
    permit: PermitId,
    hub: HubUrl = "http://127.0.0.1:8700",
    node: Names = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only this dataset; repeat.")
    ] = None,
    argument: Annotated[
        list[str] | None, typer.Option("--argument", help="NAME=VALUE for the tool; repeat.")
    ] = None,
    input_file: Annotated[
        list[Path] | None, typer.Option("--input", help="A file for the tool; repeat.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every node has finished; then save the results.")
    ] = False,
    out: Out = Path("results"),
    json: AsJson = False,
) -> None:
    """Run a tool at every node of a permit. Each run is signed with your own key.

    With --wait it exits with 0 when every node released its results, and with 3 when one did not.

    **Example:** `tessera run dataset-balance --permit 6f1c… --hub https://hub.example.org --wait`
    """
    with told(stopped="stopped waiting; the runs go on: see `tessera runs`"):
        from tessera.bootstrap.access import person_signer, signed_in_client
        from tessera.client.access import permitted_tool, wanted_runs

        signer, arguments = person_signer(hub), read_arguments(argument or [])
        inputs = {path.name: path.read_bytes() for path in input_file or []}
        with signed_in_client(hub) as client:
            held = client.permit(permit)
            wanted = wanted_runs(
                held, permitted_tool(held, tool), nodes=node or [], datasets=dataset or []
            )
            started, n_refused = [], 0
            for one in wanted:
                try:
                    started.append(
                        client.run(held, one, signer, arguments=arguments, inputs=inputs)
                    )
                except _refusal() as err:
                    # One hospital that has not agreed keeps nobody else from running.
                    n_refused += 1
                    typer.secho(f"{one.node_id}: {err}", err=True, fg=typer.colors.RED)
            if wait and started:
                started = _follow(client, permit, {run.use_id for run in started})
                _save(client, started, out, json=json)
        _print(started, json=json)
        if not started:
            raise typer.Exit(exit_codes.FAILED)
        if n_refused or (wait and any(run.state != "released" for run in started)):
            raise typer.Exit(exit_codes.INCOMPLETE)


def runs(
    permit: Annotated[str, typer.Option("--permit", help="Only those under this permit.")] = "",
    hub: HubUrl = "http://127.0.0.1:8700",
    json: AsJson = False,
) -> None:
    """List your runs and where each stands.

    **Example:** `tessera runs --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            _print(client.runs(permit).runs, json=json)


def results(
    use_id: Annotated[str, typer.Argument(help="As `tessera runs` shows it.")] = "",
    permit: Annotated[str, typer.Option("--permit", help="All results under this permit.")] = "",
    hub: HubUrl = "http://127.0.0.1:8700",
    out: Out = Path("results"),
    json: AsJson = False,
) -> None:
    """Save what nodes have released, each file checked against its hash.

    What is there already is not fetched again. Exits with 3 when nothing was released yet.

    **Example:** `tessera results --permit 6f1c… --hub https://hub.example.org --out results`
    """
    if bool(use_id) == bool(permit):
        raise typer.BadParameter("name either a run or a permit")
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found = [client.run_of(use_id)] if use_id else client.runs(permit).runs
            n_files = _save(client, found, out, json=json)
        if json:
            print_json([run.to_json() for run in found])
        if not n_files:
            typer.echo("nothing has been released yet", err=True)
            raise typer.Exit(exit_codes.INCOMPLETE)


def stop(
    use_id: Annotated[str, typer.Argument(help="As `tessera runs` shows it.")],
    hub: HubUrl = "http://127.0.0.1:8700",
) -> None:
    """Ask a node to stop a run; what it has not released is thrown away.

    **Example:** `tessera stop 2b7d… --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            run = client.stop(use_id)
        asked = "" if run.state.is_final else "; asked to stop"
        typer.echo(f"{run.node_id}: {run.state}{asked}")


def _refusal() -> type[Exception]:
    from tessera.domain.access.permit import PermitRefused

    return PermitRefused


def read_arguments(words: Sequence[str]) -> dict[str, object]:
    """Read NAME=VALUE; a value that is JSON (a number, true, a list) is taken as such."""
    import json

    found: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{word!r}: expected NAME=VALUE", param_hint="--argument")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _follow(client: "Client", permit_id: str, use_ids: set[str]) -> list["Run"]:
    """Show how the runs go on until all have ended."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    told_before: dict[str, str] = {}
    tag = ""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            listed = client.runs(permit_id, wait_s=_WAIT_S if tag else 0, unlike=tag)
            tag = listed.tag
            mine = [run for run in listed.runs if run.use_id in use_ids]
            if console.is_terminal:
                live.update(_table(mine), refresh=True)
            else:
                _tell_changes(mine, told_before)
            if all(run.state.is_final for run in mine):
                return mine


def _tell_changes(runs: Sequence["Run"], told_before: dict[str, str]) -> None:
    for run in runs:
        if told_before.get(run.use_id) != run.state.value:
            told_before[run.use_id] = run.state.value
            typer.echo(f"{run.node_id}: {run.state}", err=True)


def _table(runs: Sequence["Run"]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("node", "datasets", "state")
    table.add_column("run", no_wrap=True)
    for run in runs:
        detail = f": {run.detail}" if run.detail else ""
        datasets = ", ".join(f"{name} v{version}" for name, version in run.datasets)
        table.add_row(run.node_id, datasets, escape(f"{run.state}{detail}"), run.use_id)
    return table


def _print(runs: Sequence["Run"], *, json: bool) -> None:
    if json:
        print_json([run.to_json() for run in runs])
        return
    if not runs:
        typer.echo("no run")
        return
    import sys

    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 140).print(_table(runs))


def _save(client: "Client", runs: Sequence["Run"], out: Path, *, json: bool) -> int:
    """Save the released files below OUT/<node>/; return their number."""
    n_files = 0
    places = _places(runs, out)
    for run in runs:
        if run.state != "released":
            continue
        for path in client.results(run, places[run.use_id]):
            n_files += 1
            typer.echo(str(path), err=json)
    return n_files


def _places(runs: Sequence["Run"], out: Path) -> Mapping[str, Path]:
    """One folder per node; with several runs of a node each has its own below that."""
    nodes = [run.node_id for run in runs]
    return {
        run.use_id: out / run.node_id / (run.use_id[:8] if nodes.count(run.node_id) > 1 else "")
        for run in runs
    }
