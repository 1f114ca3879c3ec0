"""`tessera audit`: read, export and verify the audit log of a node or a hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.domain.audit.entry import Entry

audit_app = typer.Typer(
    no_args_is_help=True, help="The audit log of a node or a hub: what it did, and when."
)
Home = Annotated[Path, typer.Argument(help="The home folder of a node or a hub.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `tessera audit`."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("show")
def show(
    home: Home,
    since: Annotated[
        str, typer.Option("--since", help="An entry number, or a date as 2026-11-22 (UTC).")
    ] = "",
    json: AsJson = False,
) -> None:
    """Print the entries, oldest first. A node's log stays at the node.

    **Example:** `tessera audit show /srv/node --since 2026-11-22`
    """
    with told():
        from tessera.bootstrap.audit import entries

        if json:
            print_json([_as_json(entry) for entry in entries(home, since)])
            return
        for entry in entries(home, since):
            facts = "  ".join(f"{k}={_shown(v)}" for k, v in sorted(entry.event.facts.items()))
            typer.echo(
                f"{entry.index:>6}  {entry.at:%Y-%m-%d %H:%M:%S} UTC  "
                f"{entry.event.actor:<12}  {entry.event.event:<18}  {facts}"
            )


@audit_app.command("heads")
def heads(home: Home) -> None:
    """Print, as JSON, the signed heads of this side and those that it keeps of others.

    Give it to the other side, which verifies its own log with it. It holds hashes, numbers of
    entries and times, and nothing of what the entries say.

    **Example:** `tessera audit heads /srv/hub > hub-heads.json`
    """
    with told():
        from tessera.bootstrap.audit import heads as exported

        print_json(exported(home))


@audit_app.command("verify")
def verify(
    home: Home,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", help="The other side's home, or what its `tessera audit heads` printed."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Check that nothing in the log was changed, left out, added or told in two ways.

    Only --against finds out a log that was rewritten together with its own heads. Exit code 4
    when something is wrong.

    **Example:** `tessera audit verify /srv/node --against hub-heads.json`
    """
    with told():
        from tessera.bootstrap.audit import verify as verified

        result = verified(home, against)
    if json:
        print_json(
            {
                "entries": result.n_entries,
                "own_heads": result.n_own_heads,
                "heads_against": result.n_heads_against,
                "kept_heads": result.n_kept_heads,
                "findings": [
                    {"kind": found.kind.value, "entry": found.entry, "message": found.message}
                    for found in result.findings
                ],
            }
        )
    else:
        for found in result.findings:
            typer.echo(f"{found.kind.value}: {found.message}")
        typer.echo(
            f"{result.n_entries} entries, {result.n_own_heads} heads of this side, "
            f"{result.n_heads_against} of them kept by the other side, "
            f"{result.n_kept_heads} heads of others kept here: "
            + (f"findings: {len(result.findings)}" if result.findings else "nothing is wrong")
        )
        if against is None:
            typer.echo("the other side's heads were not looked at; see --against", err=True)
    if result.findings:
        raise typer.Exit(exit_codes.FINDINGS)


def _as_json(entry: "Entry") -> dict[str, object]:
    from tessera.domain.audit.entry import moment_text

    return {
        "index": entry.index,
        "at": moment_text(entry.at),
        "actor": entry.event.actor,
        "event": entry.event.event,
        "facts": dict(entry.event.facts),
    }


def _shown(fact: object) -> str:
    text = "; ".join(fact) if isinstance(fact, tuple) else str(fact)
    # A log that somebody has written into must not write to the reader's terminal.
    return text if text.isprintable() else ascii(text)
