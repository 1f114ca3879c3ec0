"""`tessera node …`: a hospital's node."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told
from tessera.domain.ids import InstanceUid

node_app = typer.Typer(
    no_args_is_help=True,
    help="A hospital's node: take imaging in, de-identify, check, describe, answer.",
)

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PARTS: Final = (
    "node_status",
    "node_key",
    "node_report",
    "node_receive",
    "node_pull",
    "node_pixels",
    "node_review",
    "node_dataset",
    "node_link",
    "node_link_key",
    "node_optout",
    "node_permit",
    "node_runs",
    "node_airlock",
    "node_model",
    "node_case",
    "node_labels",
    "node_serve",
    "node_catalogue",
    "node_explorer",
    "node_beam",
    "node_viewer",
    "node_similar",
    "node_fsck",
    "node_legal",
    "node_backup",
    "node_move",
)


def register(app: typer.Typer) -> None:
    """Add `tessera node` and its sub-commands."""
    for name in _PARTS:
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
    vault_key: Annotated[
        str,
        typer.Option(
            help="What opens the vault: a path for a new key file, credential:NAME (systemd), or "
            "passphrase. Default: a new file in the settings folder.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Make a node's home: folders, settings, and a new project key in an encrypted vault.

    Patient identifiers are joined by number and issuer. Where the images or the clinical table
    name an issuer, give it with --issuer before anything is taken in: pseudonyms depend on it.

    **Example:** `tessera node init /srv/tessera --name "Linköping" --country SE`
    """
    from tessera.bootstrap.node import NodeSettings, init_node
    from tessera.bootstrap.vault import described

    if not name.strip():
        raise typer.BadParameter("a node needs a name", param_hint="--name")
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
        node = init_node(home, settings, vault_key=vault_key)
        vault = described(node.home)
    typer.echo(f"node home made at {node.home}")
    typer.echo(f"its vault is encrypted; opened by {vault['locked_by']} {vault['place']}".rstrip())
    typer.echo(f"make a copy now, for another place: tessera node key backup {node.home} FILE")
    typer.echo("without the key, later images of the same patients get other pseudonyms")


@node_app.command("ingest")
def ingest_command(
    home: Home,
    paths: Annotated[list[Path], typer.Argument(help="Folders, zips, files.", metavar="PATH…")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the studies that came, from their headers.")
    ] = False,
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
        stored: list[InstanceUid] = []
        began = perf_counter()
        with progress() as bar:
            task = bar.add_task("ingest", total=len(sources))
            for entry in ingest_sources(node, sources, workers=workers):
                counts["settled before" if entry is None else entry.state] += 1
                if entry is not None and entry.state == "stored":
                    stored.append(InstanceUid(entry.instance_uid))
                bar.advance(task)
        seconds = perf_counter() - began
        found = None
        if check:
            from tessera.bootstrap.check_ingest import check_ingested

            found = check_ingested(node, stored)
    if as_json:
        told_findings = {"findings": found.counts} if found is not None else {}
        print_json(
            {"sources": len(sources), "seconds": round(seconds, 3), **counts, **told_findings}
        )
    else:
        told_counts = ", ".join(f"{state} {n}" for state, n in sorted(counts.items()))
        typer.echo(f"{len(sources)} files in {seconds:.1f} s: {told_counts or 'nothing to do'}")
        if counts["held"] or counts["refused"]:
            typer.echo(f"why, and what to do: tessera node quarantine {home}", err=True)
    if found is not None and not as_json:
        from tessera.cli.check import print_findings

        print_findings(found)
    if counts["held"] or counts["refused"]:
        raise typer.Exit(exit_codes.INCOMPLETE)


@node_app.command("quarantine")
def quarantine_command(home: Home, as_json: Json = False) -> None:
    """List what was held or refused, with the reason and what to do.

    One line for each file: state, reason, file, and what is wrong and mends it, between tabs.

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
    reasons: dict[str, int] = {}
    for e in entries:
        reasons[f"{e.state} {e.reason}"] = reasons.get(f"{e.state} {e.reason}", 0) + 1
        where = f" {e.element}" if e.element else ""
        typer.echo(f"{e.state}\t{e.reason}\t{e.source.key}\t{e.message}{where}; {e.mend}")
    told_reasons = ", ".join(f"{name} {n}" for name, n in sorted(reasons.items()))
    typer.echo(f"{len(entries)} in quarantine: {told_reasons or 'nothing'}", err=True)
