"""`tessera node fsck`: are files, index, ledger and dataset versions still one."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("fsck")(fsck_command)


def fsck_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    deep: Annotated[bool, typer.Option("--deep", help="Read the content of each file.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended; nothing is thrown away.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare files, index, ledger and dataset versions with each other, both ways.

    One line for each fault: kind, what, and what to do. The list may name source files: it stays
    in the hospital. Exit code 4 when something is wrong and not repaired.

    **Example:** `tessera node fsck /srv/tessera --deep`
    """
    with told(stopped="stopped; nothing was changed unless a line above says so"):
        from tessera.bootstrap.fsck import fsck

        faults = []
        with progress() as bar:
            task = bar.add_task("files", total=None)

            def on_step(step: str, n: int) -> None:
                if step == "row":
                    bar.advance(task)
                else:
                    bar.reset(task, total=n or None, description=step)

            for fault in fsck(home, deep=deep, repair=repair, on_step=on_step):
                faults.append(fault)
                if not as_json:
                    state = "repaired" if fault.is_repaired else fault.mend
                    detail = f" ({fault.detail})" if fault.detail else ""
                    typer.echo(f"{fault.kind}\t{fault.what}{detail}\t{state}")
    left = [fault for fault in faults if not fault.is_repaired]
    if as_json:
        print_json(
            {
                "faults": [
                    {
                        "kind": fault.kind,
                        "what": fault.what,
                        "detail": fault.detail,
                        "repaired": fault.is_repaired,
                        "mend": fault.mend,
                    }
                    for fault in faults
                ],
                "left": len(left),
            }
        )
    elif not faults:
        typer.echo("no fault" if deep else "no fault; contents were not read (--deep reads them)")
    else:
        typer.echo(f"{len(faults)} faults, {len(left)} not repaired", err=True)
    if left:
        raise typer.Exit(exit_codes.FINDINGS)
