"""`tessera node legal …`: the agreements and approvals that tier 1 asks for."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

legal_app = typer.Typer(
    no_args_is_help=True, help="Agreements and approvals: what tier 1 asks for before publishing."
)
Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]


def register(node_app: typer.Typer) -> None:
    """Add `legal` and its sub-commands to `tessera node`."""
    node_app.add_typer(legal_app, name="legal")


@legal_app.command("add")
def add_command(
    home: Home,
    kind: Annotated[
        str,
        typer.Argument(
            help="sharing-agreement, ethics-approval, dpo-report, dpia, access-conditions or "
            "negotiation-contact.",
            metavar="KIND",
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The document; a copy is kept.")],
    day: Annotated[
        datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Date on the document.")
    ],
    signed_by: Annotated[str, typer.Option("--signed-by", help="Who signed it.")] = "",
) -> None:
    """Keep a document of the node, in place of an earlier one of its kind.

    **Example:** `tessera node legal add /srv/tessera dpia dpia-2026.pdf --date 2026-09-01`
    """
    from tessera.bootstrap.legal import add_document

    with told():
        made = add_document(home, kind, file, day.date(), signed_by)
    typer.echo(f"{made.kind}: {made.day}, SHA-256 {made.sha256}")


@legal_app.command("list")
def list_command(
    home: Home, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the documents of the node and those that are missing.

    **Example:** `tessera node legal list /srv/tessera`
    """
    from tessera.bootstrap.legal import documents, hashes
    from tessera.domain.tiers.legal import KINDS

    with told():
        by_kind = {one.kind: one for one in documents(home)}
        found = hashes(home)
    lines = []
    for kind, meaning in KINDS.items():
        one = by_kind.get(kind)
        state = "missing" if one is None or kind not in found else "kept"
        if one is not None and kind in found and found[kind] != one.sha256:
            state = "changed"
        line = {"kind": kind, "meaning": meaning, "state": state}
        if one is not None:
            line |= {"day": one.day.isoformat(), "signed_by": one.signed_by, "sha256": one.sha256}
        lines.append(line)
    if as_json:
        print_json(lines)
        return
    for line in lines:
        said = f"{line['day']} {line['signed_by']}".strip() if "day" in line else line["meaning"]
        typer.echo(f"{line['kind']:<20} {line['state']:<8} {said}")
