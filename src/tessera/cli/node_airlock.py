"""`tessera node airlock …`: what came out of runs, and what a person here lets out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.node_runs import run_json
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.node.airlock import FileDecided, LookedAt, RunLookedAt

airlock_app = typer.Typer(
    no_args_is_help=True,
    help="The airlock: what came out of runs waits here until a person lets it out.",
)
_LOG_LINES = 20
_SHOWN_BYTES = 20_000

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Id = Annotated[
    str,
    typer.Argument(help="The run's id, or how it begins.", metavar="USE_ID", show_default=False),
]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", help="Only this output. Repeatable. Default all that wait."),
]
By = Annotated[str, typer.Option(help="Who decides; default the account. Kept at the node.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add `airlock` and its sub-commands to `tessera node`."""
    node_app.add_typer(airlock_app, name="airlock")


@airlock_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List runs whose outputs wait for a person, the oldest first.

    One line each, between tabs: id, since when, for whom, the files that wait.

    **Example:** `tessera node airlock list /srv/tessera`
    """
    from tessera.bootstrap.runs import airlock_of

    with told():
        listed = airlock_of(home).listed()
    if as_json:
        print_json(
            [
                run_json(run)
                | {
                    "outputs": [
                        {"name": one.name, "kind": one.kind, "decided": one.decided.value}
                        for one in outputs
                    ]
                }
                for run, outputs in listed
            ]
        )
        return
    for run, outputs in listed:
        names = ", ".join(one.name for one in outputs if one.decided == "pending")
        since = run.ended_at or run.taken_at
        person = " ".join(run.person.split())
        typer.echo(f"{run.use_id}\t{since:%Y-%m-%d %H:%M}\t{person}\t{names}")
    typer.echo(f"{len(listed)} in the airlock", err=True)


@airlock_app.command("show")
def show_command(home: Home, use_id: Id, as_json: Json = False) -> None:
    """Show what a run left: findings, the content of small texts, and where the files lie.

    Open figures from that folder, on this machine. The findings are made anew each time. What
    the checks cannot see is in the documentation: the decision is yours.

    **Example:** `tessera node airlock show /srv/tessera 3f2a`
    """
    from tessera.bootstrap.runs import airlock_of, run_log
    from tessera.domain.errors import NotFound

    with told():
        looked = airlock_of(home).look(use_id)
        try:
            log = run_log(home, looked.run.use_id)
        except NotFound:
            log = ""
    if as_json:
        print_json(_looked_json(looked))
        return
    run = looked.run
    typer.echo(f"run {run.use_id}: {run.state}, for {run.person}, permit {run.permit_id}")
    typer.echo(f"files: {looked.place}")
    if looked.opted_out:
        typer.echo(f"opted out since the run: {len(looked.opted_out)} of its subjects")
    for one in looked.outputs:
        _tell_output(one)
    if log:
        typer.echo(f"\nthe end of the tool's log (all: tessera node runs {home} {use_id} --log)")
        for line in log.splitlines()[-_LOG_LINES:]:
            typer.echo(f"  {_shown(line)}")


@airlock_app.command("release")
def release_command(
    home: Home,
    use_id: Id,
    file: Files = None,
    by: By = "",
    despite: Annotated[
        str, typer.Option(help="Why it may leave although a finding stops it. Kept at the node.")
    ] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let outputs of a run out to its researcher. This cannot be taken back.

    Exit code 3 when one of them has to stay; the output says why.

    **Example:** `tessera node airlock release /srv/tessera 3f2a --file counts.json`
    """
    from tessera.bootstrap.permits import account
    from tessera.bootstrap.runs import airlock_of

    with told():
        airlock = airlock_of(home)
        run = airlock.run(use_id)
        _ask(f"Let {_what(file)} of run {run.use_id} out to {run.person}?", yes=yes)
        decided = airlock.release(
            run.use_id, tuple(file or ()), by=by or account(), despite=despite
        )
    _tell_decided(decided, as_json=as_json)


@airlock_app.command("withhold")
def withhold_command(
    home: Home,
    use_id: Id,
    file: Files = None,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Kept at the node.")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Keep outputs of a run in, for good. The researcher gets to know that, and no reason.

    **Example:** `tessera node airlock withhold /srv/tessera 3f2a --reason "small groups"`
    """
    from tessera.bootstrap.permits import account
    from tessera.bootstrap.runs import airlock_of

    with told():
        airlock = airlock_of(home)
        run = airlock.run(use_id)
        _ask(f"Withhold {_what(file)} of run {run.use_id} for good?", yes=yes)
        decided = airlock.withhold(run.use_id, tuple(file or ()), by=by or account(), reason=reason)
    _tell_decided(decided, as_json=as_json)


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to ask; give --yes")
    typer.confirm(question, abort=True)


def _what(file: list[str] | None) -> str:
    return ", ".join(file) if file else "all that waits"


def _tell_output(one: "LookedAt") -> None:
    record = one.record
    kind = record.kind.value if record.kind else "undeclared"
    typer.echo(f"\n{record.name}: {kind}, {record.n_bytes} bytes, {record.decided}")
    typer.echo(f"  sha256 {record.sha256}")
    if one.inspection is None:
        typer.echo("  the file is not in the airlock any more")
        return
    if one.inspection.sha256 != record.sha256:
        typer.echo("  CHANGED since it came out of the run: it cannot leave")
    for finding in one.inspection.findings:
        final = " (can never leave)" if finding.is_final else ""
        typer.echo(f"  {finding.severity} {finding.code}{final}: {_shown(finding.text)}")
    if not one.inspection.findings:
        typer.echo("  no finding")
    if record.name.endswith((".json", ".csv")) and len(one.content) <= _SHOWN_BYTES:
        for line in one.content.decode("utf-8", "replace").splitlines():
            typer.echo(f"  | {_shown(line)}")


def _shown(line: str) -> str:
    """Return a line without what could steer a terminal: a tool wrote it."""
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in line)


def _tell_decided(decided: "Sequence[FileDecided]", *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": one.name, "decided": one.decided.value, "problem": one.problem}
                for one in decided
            ]
        )
    else:
        for one in decided:
            problem = f": {one.problem}" if one.problem else ""
            typer.echo(f"{one.name}: {one.decided}{problem}", err=bool(problem))
        if not decided:
            typer.echo("nothing waits")
    if any(one.problem for one in decided):
        raise typer.Exit(exit_codes.INCOMPLETE)


def _looked_json(looked: "RunLookedAt") -> dict[str, object]:
    return run_json(looked.run) | {
        "place": looked.place,
        "opted_out_since": len(looked.opted_out),
        "outputs": [
            {
                "name": one.record.name,
                "kind": one.record.kind,
                "sha256": one.record.sha256,
                "n_bytes": one.record.n_bytes,
                "decided": one.record.decided.value,
                "changed": one.inspection is None or one.inspection.sha256 != one.record.sha256,
                "findings": [
                    {
                        "code": finding.code,
                        "severity": finding.severity.value,
                        "final": finding.is_final,
                        "text": finding.text,
                    }
                    for finding in (one.inspection.findings if one.inspection else ())
                ],
            }
            for one in looked.outputs
        ],
    }
