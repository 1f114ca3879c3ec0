"""`tessera fetch`: download what a permit allows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told

if TYPE_CHECKING:
    from tessera.client.fetch import Fetched
    from tessera.domain.access.permit import PermittedDataset


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("fetch")(fetch)


def fetch(
    permit: Annotated[str, typer.Argument(help="The permit's id; see `tessera permits`.")],
    hub: Annotated[str, typer.Option("--hub", help="The hub's address.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("data"),
    node: Annotated[str, typer.Option("--node", help="Only this node's datasets.")] = "",
    dataset: Annotated[str, typer.Option("--dataset", help="Only this dataset.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Download the DICOM files and tables that a permit names, from the nodes that hold them.

    The node encrypts for this computer alone; the hub only passes on. Every file is checked
    against the manifest that the permit names. Run again, it goes on where it stopped.

    **Example:** `tessera fetch 0b2c… --hub https://hub.example.org --out data`
    """
    with told():
        from tessera.bootstrap.fetch import Progress, fetch_permit

        done: list[tuple[PermittedDataset, Fetched]] = []
        with progress() as bar:
            task = bar.add_task("", total=None)
            told_of = Progress(
                on_dataset=lambda one: bar.reset(
                    task, description=f"{one.node_id} {one.dataset_id} v{one.version}", total=None
                ),
                on_total=lambda n_bytes: bar.update(task, total=n_bytes),
                on_bytes=lambda n_bytes: bar.advance(task, n_bytes),
            )
            for one, fetched in fetch_permit(hub, permit, out, told_of, node=node, dataset=dataset):
                done.append((one, fetched))
                if not json:
                    _tell(one, fetched)
        if json:
            print_json([_as_json(one, fetched) for one, fetched in done])
        if any(fetched.failed for _, fetched in done):
            raise typer.Exit(exit_codes.INCOMPLETE)


def _tell(one: "PermittedDataset", fetched: "Fetched") -> None:
    typer.echo(
        f"{one.node_id} {one.dataset_id} v{one.version}: {fetched.n_files} files, "
        f"{fetched.n_bytes / 1e6:.1f} MB, {fetched.n_there} there already → {fetched.folder}"
    )
    if fetched.n_left_out or fetched.filtered:
        typer.echo(
            f"  not in it: {fetched.n_left_out} files of subjects who have opted out since; "
            "tables come without their rows"
        )
    for problem in fetched.failed:
        typer.secho(f"  {problem}; run the command again", err=True, fg=typer.colors.RED)


def _as_json(one: "PermittedDataset", fetched: "Fetched") -> dict[str, object]:
    return {
        "node_id": one.node_id,
        "dataset_id": one.dataset_id,
        "version": one.version,
        "folder": str(fetched.folder),
        "n_files": fetched.n_files,
        "n_bytes": fetched.n_bytes,
        "n_there": fetched.n_there,
        "n_left_out": fetched.n_left_out,
        "filtered_tables": fetched.filtered,
        "failed": fetched.failed,
    }
