"""`tessera clinical export` and `tessera clinical import`: formats of others, out and in."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_STOPPED = "stopped; delete the folder, it is not whole, and run the same command again"
_FORMATS = "eucaim, omop, fhir or flat."


def register(clinical_app: typer.Typer) -> None:
    """Add the commands to `tessera clinical`."""
    clinical_app.command("export")(export_command)
    clinical_app.command("import")(import_command)


def export_command(
    home: Home,
    dataset: Annotated[str, typer.Option(help="The dataset's id.", show_default=False)],
    form: Annotated[str, typer.Option("--to", help=_FORMATS, show_default=False)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="New or empty folder.", show_default=False)
    ],
    version: Annotated[int | None, typer.Option(min=1, help="Default: the newest.")] = None,
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="EUCAIM: hard links to the store's files instead of copies; do not write in them.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a dataset version as an EUCAIM folder, OMOP CDM 5.4, FHIR R4 or flat tables.

    The rows are of single, de-identified subjects: for use in this hospital, or by who holds a
    permit. Nothing checks them as results are checked in the airlock. What the format cannot
    carry stands in LOSSES.txt beside.

    **Example:** `tessera clinical export /srv/tessera --dataset prostate-mr --to omop -o /srv/omop`
    """
    from tessera.bootstrap.exchange import export_version

    with told(stopped=_STOPPED), progress() as bar:
        task = bar.add_task("subjects", total=None)
        made = export_version(
            *(home, dataset, version, form, out),
            link=link,
            on_subject=lambda n: bar.update(task, completed=n),
        )
    if as_json:
        print_json(
            {
                "dataset_id": made.dataset_id,
                "version": made.version,
                "format": form,
                "folder": str(made.folder),
                "manifest_sha256": made.manifest_sha256,
                "subjects": made.n_subjects,
                "subjects_left_out": made.n_left_out,
                "subjects_opted_out": made.n_opted_out,
                "instances": made.n_instances,
                "uncoded_values": made.n_uncoded,
            }
        )
        return
    images = f", {made.n_instances} instances" if made.n_instances else ""
    typer.echo(
        f"{made.dataset_id} version {made.version} as {form}: "
        f"{made.n_subjects} subjects{images} in {made.folder}"
    )
    if made.n_left_out:
        typer.echo(f"subjects that the format cannot hold: {made.n_left_out}")
    if made.n_opted_out:
        typer.echo(f"subjects who have opted out since, not written: {made.n_opted_out}")
    if made.n_uncoded:
        typer.echo(f"values without a code there, written as TESSERA:<name>: {made.n_uncoded}")
    typer.echo(f"what the format cannot carry: {made.folder / 'LOSSES.txt'}")
    typer.echo(f"manifest {made.manifest_sha256}")
    typer.echo(
        "these are rows of single persons, de-identified: they stay in the hospital, or go to who "
        "holds a permit; the audit log says that they were written",
        err=True,
    )


def import_command(
    home: Home,
    source: Annotated[Path, typer.Argument(help="Folder (FHIR: or file).", metavar="DIR")],
    form: Annotated[str, typer.Option("--from", help=_FORMATS, show_default=False)],
    issuer: Annotated[
        str, typer.Option(help="Who gave the identifiers, as IssuerOfPatientID says it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Read clinical records that were written in another format; known persons are replaced.

    Identifiers become this node's pseudonyms, also where they were pseudonyms before; dates are
    shifted, and a text that is no concept is left out. Exit code 3 when anything was left out.

    **Example:** `tessera clinical import /srv/tessera /data/omop --from omop`
    """
    from tessera.bootstrap.exchange import import_records

    with told(stopped="stopped; nothing was stored"), progress() as bar:
        task = bar.add_task("subjects", total=None)
        made = import_records(
            *(home, source, form),
            issuer=issuer,
            on_subject=lambda n: bar.update(task, completed=n),
        )
    if as_json:
        print_json(
            {
                "subjects": made.n_subjects,
                "subjects_opted_out": made.n_opted_out,
                "unread": made.unread,
                "left_out": made.refused,
                "images": made.n_images,
            }
        )
    else:
        typer.echo(f"{made.n_subjects} subjects read from {form}")
        for place, n in made.unread.items():
            typer.echo(f"not understood, {place}: {n}")
        for place, n in made.refused.items():
            typer.echo(f"left out, neither a concept nor a code, {place}: {n}")
        if made.n_opted_out:
            typer.echo(f"opted out, not stored: {made.n_opted_out}")
        if made.n_images:
            typer.echo(
                f"{made.n_images} instances lie beside; take them in with the same issuer: "
                f"tessera node ingest {home} {source / 'imaging_data'}"
            )
    if made.unread or made.refused:
        raise typer.Exit(exit_codes.INCOMPLETE)
