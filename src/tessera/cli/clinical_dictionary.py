"""`tessera clinical dictionary`: the common data model, and what a mapping may name."""

from typing import Annotated

import typer

from tessera.cli.show import print_json, told


def register(clinical_app: typer.Typer) -> None:
    """Add the command to `tessera clinical`."""
    clinical_app.command("dictionary")(dictionary_command)


def dictionary_command(
    name: Annotated[
        str, typer.Argument(help="A table or variable; default all variables.", show_default=False)
    ] = "",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the common data model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the variables that a mapping may name, or a table's columns, or the JSON Schema.

    **Example:** `tessera clinical dictionary cancer_stage`

    **Example:** `tessera clinical dictionary --schema > cdm.schema.json`
    """
    from tessera.domain.clinical.cdm import TABLES
    from tessera.domain.clinical.schema import json_schema
    from tessera.domain.clinical.variables import variable, variables

    if schema:
        print_json(json_schema())
        return
    table = next((one for one in TABLES if one.name == name), None)
    with told():
        found = (variable(name),) if name and table is None else variables()
    if table is not None:
        lines = [
            (c.name, c.kind, c.unit or c.group or c.refers_to, c.meaning) for c in table.columns
        ]
    else:
        lines = [(v.name, v.kind, v.unit or v.group, v.meaning) for v in found]
    if as_json:
        keys = ("name", "kind", "unit_or_group", "meaning")
        print_json([dict(zip(keys, line, strict=True)) for line in lines])
        return
    width = max(len(line[0]) for line in lines)
    for column, kind, of, meaning in lines:
        typer.echo(f"{column:<{width}}  {kind:<8} {of:<16} {meaning}")
