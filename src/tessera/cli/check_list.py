"""`tessera check --list`: the numbered checks, and what choosing among them takes."""

from typing import TYPE_CHECKING

from tessera.cli.show import print_json

if TYPE_CHECKING:
    from rich.console import Console


def list_checks(only: list[str], skip: list[str], console: "Console", *, as_json: bool) -> None:
    """Print the checks as a table, or as JSON. Raises InvalidInput for a name that means none."""
    from rich.table import Table

    from tessera.domain.quality.selection import NEEDS_PICTURES, chosen_checks

    checks = chosen_checks(only, skip)
    if as_json:
        print_json(
            [
                {
                    "id": check.id,
                    "title": check.title,
                    "dimension": check.dimension.value,
                    "looks_at": check.looks_at,
                    "source": check.source,
                    "needs_pixels": check.id in NEEDS_PICTURES,
                }
                for check in checks
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("check", "dimension", "", ""):
        table.add_column(heading)
    for check in checks:
        needs = "needs --pixels" if check.id in NEEDS_PICTURES else ""
        table.add_row(check.id, check.dimension.value, check.title, needs)
    console.print(table)
