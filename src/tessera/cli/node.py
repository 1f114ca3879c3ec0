"""`tessera node …`: a hospital's node."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told

node_app = typer.Typer(
    no_args_is_help=True,
    help="A hospital's node: take imaging in, de-identify, check, describe, answer.",
)

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `tessera node` and its sub-commands."""
    for name in ("node_clinical", "node_dataset", "node_link"):
        if find_spec(f"tessera.cli.{name}"):
            import_module(f"tessera.cli.{name}").register(node_app)
    app.add_typer(node_app, name="node")


@node_app.command("init")
def init_command(
    home: Home,
    name: Annotated[str, typer.Option(help="The hospital, as the catalogue shows it.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2, for example SE.")],
    issuer: Annotated[
        list[str] | None,
        typer.Option(help="IssuerOfPatientID that means this hospital. Repeatable."),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the clinical tables, ISO 639-1.")] = "en",
    profile: Annotated[
        str, typer.Option(help="De-identification profile: research, basic, or a TOML file.")
    ] = "research",
    prefix: Annotated[str, typer.Option(help="Starts every pseudonym.")] = "TES",
    minimum_count: Annotated[int, typer.Option(help="Smallest count that leaves the node.")] = 10,
) -> None:
    """Make a node's home: folders, settings, and a new secret project key.

    **Example:** `tessera node init /srv/tessera --name "Linköping" --country SE`
    """
    from tessera.bootstrap.node import NodeSettings, init_node

    with told():
        settings = NodeSettings(
            name=name,
            country=country.upper(),
            language=language,
            issuers=tuple(issuer or ()),
            profile=profile,
            prefix=prefix,
            minimum_count=minimum_count,
        )
        node = init_node(home, settings)
    typer.echo(f"node home made at {node.home}")
    typer.echo(f"back up {node.identified / 'vault'}: without it follow-up deliveries cannot link")


@node_app.command("ingest")
def ingest_command(
    home: Home,
    paths: Annotated[list[Path], typer.Argument(help="Folders, zips, files.", metavar="PATH…")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take DICOM in: de-identify, stage, index. Goes on where an earlier run stopped.

    Exit code 3 when something was held or refused; `tessera node quarantine` lists it.

    **Example:** `tessera node ingest /srv/tessera /mnt/pacs-export`
    """
    from collections import Counter
    from time import perf_counter

    from tessera.bootstrap.ingest import ingest_sources, list_sources
    from tessera.bootstrap.node import open_node

    with told():
        node = open_node(home)
        sources = list_sources(paths)
        counts: Counter[str] = Counter()
        began = perf_counter()
        with progress() as bar:
            task = bar.add_task("ingest", total=len(sources))
            for entry in ingest_sources(node, sources, workers=workers):
                counts["settled before" if entry is None else entry.state] += 1
                bar.advance(task)
    seconds = perf_counter() - began
    if as_json:
        print_json({"sources": len(sources), "seconds": round(seconds, 3), **counts})
    else:
        told_counts = ", ".join(f"{state} {n}" for state, n in sorted(counts.items()))
        typer.echo(f"{len(sources)} files in {seconds:.1f} s: {told_counts or 'nothing to do'}")
    if counts["held"] or counts["refused"]:
        raise typer.Exit(exit_codes.INCOMPLETE)


@node_app.command("status")
def status_command(home: Home, as_json: Json = False) -> None:
    """Show what the node holds, what waits, and whether it is joined.

    **Example:** `tessera node status /srv/tessera`
    """
    from tessera.bootstrap.node import open_node
    from tessera.bootstrap.status import node_status

    with told():
        status = node_status(open_node(home))
    if as_json:
        print_json(status)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for key in ("name", "country", "profile", "policy", "hub"):
        table.add_row(key, str(status[key]))
    for section in ("research", "intake", "clinical", "datasets"):
        for key, value in status[section].items():
            table.add_row(f"{section}: {key}", str(value))
    Console().print(table)


@node_app.command("quarantine")
def quarantine_command(home: Home, as_json: Json = False) -> None:
    """List what was held or refused, with the reason and what to do.

    The list names source files: it stays in the hospital.

    **Example:** `tessera node quarantine /srv/tessera`
    """
    from tessera.bootstrap.node import open_node
    from tessera.ports.ledger import State

    with told():
        entries = list(open_node(home).ledger.entries((State.HELD, State.REFUSED)))
    if as_json:
        print_json(
            [
                {
                    "source": e.source.key,
                    "state": e.state,
                    "reason": e.reason,
                    "message": e.message,
                    "element": e.element,
                    "mend": e.mend,
                }
                for e in entries
            ]
        )
        return
    for e in entries:
        where = f" {e.element}" if e.element else ""
        typer.echo(f"{e.state}\t{e.reason}\t{e.source.key}\t{e.message}{where}; {e.mend}")
    typer.echo(f"{len(entries)} in quarantine", err=True)
