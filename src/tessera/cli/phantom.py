"""`tessera phantom`: write an invented hospital to try things out on."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told

_HELP = """Write an invented hospital into OUT: a PACS export full of identities, and a table.

Every person is made up. The same settings give the same bytes. A stopped run goes on where it
stopped. Images are small unless --scale says otherwise: 128 x 128 pixels (small, the default,
about 4 MB per patient), 48 x 48 (tiny: many patients at 0.2 MB each), 256 x 256 (medium) or as
real scanners send them (full, 100 MB and more per patient; 1 to 2 GB of memory per worker).

With --hiding-places it writes a test of de-identification instead: small instances in six
languages with people hidden wherever a file can hold them, and key.jsonl, which says what must go
and what must stay (28 patients: 350 instances, 16 MB, 15 seconds). See `tessera deid evaluate`.

Example: tessera phantom ./linkoping --patients 40 --seed 7 --language sv
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("phantom", help=_HELP)(phantom)


def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder to write into.")],
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")],
    seed: Annotated[int, typer.Option(help="Any whole number; decides everything.")],
    site: Annotated[str, typer.Option(help="Name of the place; else one of the country.")] = "",
    language: Annotated[str, typer.Option(help="sv, es, el or en.")] = "sv",
    scale: Annotated[str, typer.Option(help="tiny, small, medium or full.")] = "small",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per processor.")] = 0,
    hiding_places: Annotated[
        bool, typer.Option("--hiding-places", help="Write a test of de-identification, with key.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    if hiding_places:
        _hiding_places(out, patients, seed, as_json=as_json)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from tessera.phantom import PhantomSpec, Scale, generate

    if scale not in tuple(Scale):
        raise typer.BadParameter(
            f"{scale!r} is not tiny, small, medium or full", param_hint="--scale"
        )
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with told():
        spec = PhantomSpec(
            n_patients=patients, seed=seed, site=site, language=language, scale=Scale(scale)
        )
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"Patients of {spec.site}", total=patients)
            summary = generate(
                out,
                spec,
                workers=workers or os.cpu_count() or 1,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False))
        return
    typer.echo(
        f"{summary.site} ({summary.country}): {summary.n_patients} patients, "
        f"{summary.n_studies} studies, {summary.n_series} series, "
        f"{summary.n_instances} instances, {summary.n_bytes / 1e6:.0f} MB in {out}"
    )
    typer.echo("  " + ", ".join(f"{name} {count}" for name, count in summary.cancers.items()))
    typer.echo("  " + ", ".join(f"{name} {count}" for name, count in summary.modalities.items()))


def _hiding_places(out: Path, patients: int, seed: int, *, as_json: bool) -> None:
    from tessera.cli.show import progress
    from tessera.phantom.hiding import generate_hiding_places

    with told(), progress() as bar:
        task = bar.add_task("Patients with hiding places", total=patients)
        summary = generate_hiding_places(
            out,
            n_patients=patients,
            seed=seed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False))
        return
    typer.echo(
        f"{summary.n_patients} patients, {summary.n_studies} studies, {summary.n_instances} "
        f"instances, {summary.n_bytes / 1e6:.0f} MB, {summary.n_checks} checks in {out}"
    )
    typer.echo("  " + ", ".join(f"{name} {count}" for name, count in summary.actions.items()))
