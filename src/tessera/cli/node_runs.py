"""`tessera node runs`: what has run at a node, for whom, and how it ended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.ports.run_records import RunRecord

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Id = Annotated[
    str,
    typer.Argument(help="A run's id, or how it begins.", metavar="[USE_ID]", show_default=False),
]


def register(node_app: typer.Typer) -> None:
    """Add `runs` to `tessera node`."""
    node_app.command("runs")(runs_command)


def runs_command(
    home: Home,
    use_id: Id = "",
    log: Annotated[
        bool, typer.Option("--log", help="Print what the tool wrote. It may tell of subjects.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the runs of permitted tools at this node, the newest first; or show one.

    One line each, between tabs: id, state, detail, since when, what, tool, datasets, for whom.

    **Example:** `tessera node runs /srv/tessera`
    """
    from tessera.bootstrap.runs import run_list, run_log
    from tessera.domain.errors import NotFound

    with told():
        runs = [run for run in run_list(home) if run.use_id.startswith(use_id)]
        if use_id and not runs:
            raise NotFound(f"no run {use_id!r:.60} at this node")
        if log:
            if len(runs) != 1 or not use_id:
                raise typer.BadParameter("--log needs the USE_ID of one run")
            typer.echo(run_log(home, runs[0].use_id), nl=False)
            return
    if as_json:
        print_json([run_json(run) for run in runs])
        return
    for run in runs:
        typer.echo("\t".join(run_row(run)))
    typer.echo(f"{len(runs)} runs", err=True)


def run_row(run: "RunRecord") -> tuple[str, ...]:
    """Return the words of one line."""
    since = run.ended_at or run.started_at or run.taken_at
    return (
        run.use_id,
        run.state.value,
        run.detail or "-",
        f"{since:%Y-%m-%d %H:%M}",
        run.action,
        run.tool[:19],
        ", ".join(f"{name} v{version}" for name, version in run.datasets),
        " ".join(run.person.split()),
    )


def run_json(run: "RunRecord") -> dict[str, object]:
    return {
        "use_id": run.use_id,
        "action": run.action,
        "permit_id": run.permit_id,
        "person": run.person,
        "tool": run.tool,
        "datasets": [{"dataset_id": name, "version": version} for name, version in run.datasets],
        "state": run.state.value,
        "detail": run.detail,
        "attempts": run.attempts,
        "exit_code": run.exit_code,
        "taken_at": run.taken_at.isoformat(),
        "started_at": run.started_at and run.started_at.isoformat(),
        "ended_at": run.ended_at and run.ended_at.isoformat(),
    }
