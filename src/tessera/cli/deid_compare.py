"""`tessera deid compare`: the header of a file before and after, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

_SIGNS = {"kept": " ", "changed": "~", "removed": "-", "added": "+"}
_WIDTH = 46


def register(app: typer.Typer) -> None:
    """Add the command to `tessera deid`."""
    app.command("compare")(compare_command)


def compare_command(
    before: Annotated[Path, typer.Argument(help="The file as it came.", exists=True)],
    after: Annotated[Path, typer.Argument(help="The file as it was written.", exists=True)],
    changes: Annotated[bool, typer.Option(help="Only what is not as it was.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what leaves: each element before and after. It names the patient: stay in the hospital.

    In front of each line: ~ changed, - removed, + added, a space when it was kept.

    **Example:** `tessera deid compare export/IM0001 shared/TES-…/….dcm --changes`
    """
    with told():
        from tessera.adapters.files.header_compare import compare_headers

        lines = compare_headers(before, after)
    shown = [line for line in lines if not changes or line.change != "kept"]
    if as_json:
        print_json(
            [
                {
                    "path": line.path,
                    "keyword": line.keyword,
                    "vr": line.vr,
                    "before": line.before.value,
                    "after": line.after,
                    "change": line.change,
                }
                for line in shown
            ]
        )
        return
    for line in shown:
        name = f"{'  ' * line.depth}{line.path.rpartition(']')[2]} {line.keyword}"
        typer.echo(
            f"{_SIGNS[line.change]} {name:<{_WIDTH}.{_WIDTH}} {line.vr}  "
            f"{line.before.value[:_WIDTH]:<{_WIDTH}}  {line.after[:_WIDTH]}".rstrip()
        )
    counts = {sign: sum(line.change == sign for line in lines) for sign in _SIGNS}
    typer.echo(", ".join(f"{n} {change}" for change, n in counts.items()), err=True)
