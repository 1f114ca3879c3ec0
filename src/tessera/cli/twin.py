"""`tessera twin …`: a dataset of the same shape with no real person in it."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import has_folder, print_json, progress, told

twin_app = typer.Typer(
    no_args_is_help=True,
    help="A synthetic twin: write code on data of the same shape, before access to the real.",
)


def register(app: typer.Typer) -> None:
    """Add `tessera twin` and its sub-commands."""
    app.add_typer(twin_app, name="twin")


@twin_app.command("shape")
def shape_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    identifier: Annotated[str, typer.Argument(help="The dataset's id.", metavar="ID")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Default: the newest.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; default stdout.", callback=has_folder),
    ] = None,
) -> None:
    """Write the shape of a dataset: all that a twin is drawn from, and no more than counts.

    Each number passes the node's count policy: nothing rests on fewer subjects than its minimum,
    and dates do not leave. Read the file before you hand it out: it is what leaves.

    **Example:** `tessera twin shape /srv/tessera prostate-mr -o prostate-mr.shape.json`
    """
    from tessera.bootstrap.twin import release_shape

    with told():
        text = release_shape(home, identifier, version).value.to_json()
        if out is not None:
            out.write_text(text, "utf-8")
    if out is None:
        typer.echo(text, nl=False)


@twin_app.command("make")
def make_command(
    shape: Annotated[Path, typer.Argument(help="What `tessera twin shape` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write the dataset into.")],
    patients: Annotated[
        int | None, typer.Option("--patients", min=1, help="Default: as many as the dataset has.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same twin.")] = 1,
    instances: Annotated[
        int | None,
        typer.Option(
            "--instances", min=0, help="At most this many per series; 0: tables alone. Default all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Draw a twin: tables of the common data model, and DICOM images of the same shape.

    The folder is laid out as a permitted run sees the dataset: manifest.json, tables/, instances/.

    **Example:** `tessera twin make prostate-mr.shape.json -o ./data --patients 20 --instances 8`
    """
    from tessera.bootstrap.twin import make_twin

    with told(stopped="stopped; remove the folder and begin again"), progress() as bar:
        task = bar.add_task("twin", total=None)
        made, folder, n_rows, n_bytes = make_twin(
            shape,
            out,
            seed=seed,
            n_subjects=patients,
            most_instances=instances,
            on_total=lambda total: bar.update(task, total=total),
            on_series=lambda: bar.advance(task),
        )
    if as_json:
        print_json({"folder": str(folder), "rows": n_rows, "bytes": n_bytes})
        return
    typer.echo(f"{folder}: twin of {made.dataset_id} version {made.version}, {n_bytes:,} bytes")
    typer.echo(", ".join(f"{name} {n}" for name, n in n_rows.items()))
    typer.echo("No real person is in it. It tells nothing but what the shape tells.")
