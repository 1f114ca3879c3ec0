"""`tessera deid evaluate`: score any tool's outputs against an answer key."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, progress, told

if TYPE_CHECKING:
    from tessera.domain.evaluation.scores import Scores


def register(app: typer.Typer) -> None:
    """Add the command to `tessera deid`."""
    app.command("evaluate")(evaluate_command)


def evaluate_command(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder that a tool wrote.", exists=True)
    ],
    key: Annotated[
        Path, typer.Option(help="Answer key: key.jsonl, or MIDI-B's SQLite database.", exists=True)
    ],
    mapping: Annotated[
        Path | None, typer.Option(help="Folder with uids.csv and patients.csv.", exists=True)
    ] = None,
    uids: Annotated[
        Path | None, typer.Option(help="CSV id_old,id_new of all UIDs.", exists=True)
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="CSV id_old,id_new of patient ids.", exists=True)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one HTML file.", callback=has_folder)
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the scores as JSON; - for stdout.", callback=has_folder),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the HTML: en or sv.")] = "en",
    only: Annotated[
        list[str] | None, typer.Option(help="Score this action only. Repeatable.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    fail_under: Annotated[
        float, typer.Option(min=0, max=100, help="Exit code 4 below this percentage of checks.")
    ] = 0.0,
) -> None:
    """Score the outputs of any de-identification tool against an answer key.

    An output is found by its new SOP Instance UID through the tool's mapping. What a tool held
    back counts as lost in one figure and is left out of the other; both are shown. The HTML and
    JSON files list failed checks with identities: keep them in the hospital.

    **Example:** `tessera deid evaluate ./shared --key key.jsonl --mapping ./mapping --html e.html`
    """
    from time import perf_counter

    from tessera.adapters.evaluation.keys import read_mapping
    from tessera.adapters.report.evaluation import as_json, render_html, write_identified
    from tessera.bootstrap.deid_evaluate import evaluate

    if mapping is not None and uids is None and patients is None:
        uids, patients = mapping / "uids.csv", mapping / "patients.csv"
    elif mapping is not None or uids is None or patients is None:
        raise typer.BadParameter("name either --mapping FOLDER, or both --uids and --patients")
    began = perf_counter()
    with told(stopped="stopped; nothing was written"), progress() as bar:
        tasks = {what: bar.add_task(what, total=None) for what in ("find", "judge")}
        tool = read_mapping(uids, patients)
        scores, is_midi_b = evaluate(
            out,
            key,
            tool,
            only=only or (),
            workers=workers,
            told=lambda what, done, of: bar.update(tasks[what], completed=done, total=of),
        )
        seconds = perf_counter() - began
        body = as_json(scores, is_midi_b=is_midi_b, seconds=seconds)
        if html:
            write_identified(
                html, render_html(scores, title=out.name, is_midi_b=is_midi_b, language=language)
            )
        if json_file and str(json_file) != "-":
            import json

            write_identified(json_file, json.dumps(body, ensure_ascii=False, indent=1))
    if json_file and str(json_file) == "-":
        print_json({name: part for name, part in body.items() if name != "failures"})
    else:
        _table(scores, seconds)
    overall = scores.all.overall
    if scores.all.n_not_judged:
        typer.echo(
            f"note: {scores.all.n_not_judged} checks could not be judged: reading text in pixels "
            "needs the extra `pixels`",
            err=True,
        )
    if overall is None or overall < fail_under:
        raise typer.Exit(exit_codes.FINDINGS)


def _table(scores: "Scores", seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from tessera.domain.evaluation.key import GROUPS

    every, written = scores.all, scores.written
    table = Table(title="What came of the checks, percent")
    table.add_column("")
    for heading in ("checks", "all", "written"):
        table.add_column(heading, justify="right")
    for group, actions in GROUPS.items():
        table.add_row(
            f"[bold]{group}", "", *(f"[bold]{_percent(v.group(group))}" for v in (every, written))
        )
        for action in actions:
            if action in every.actions:
                tally, here = every.actions[action], written.actions.get(action)
                table.add_row(
                    f"  {action}",
                    str(tally.n_checks),
                    _percent(tally.percent),
                    _percent(here.percent if here else None),
                )
    table.add_section()
    for name, of in (
        ("headline", "headline"),
        ("all checks", "overall"),
        ("MIDI-B, by instance", "midi_b"),
        ("MIDI-B, by series", "midi_b_series"),
        ("clinical text kept", "clinical_percent"),
    ):
        table.add_row(name, "", *(_percent(getattr(view, of)) for view in (every, written)))
    Console(width=78).print(table)
    typer.echo(
        f"{every.n_instances} instances in {seconds:.1f} s; {written.n_instances} written, "
        f"{len(scores.not_written)} not written; with a leak of any kind {every.n_leaky}, "
        f"with an identity in bytes or pixels {every.n_with_identity}; "
        f"files of no known instance {scores.n_foreign}, unreadable {scores.n_unreadable}"
    )


def _percent(value: float | None) -> str:
    """Never round up to 100: 99.996 is not all."""
    if value is None:
        return "–"
    return "100" if value == 100 else f"{int(value * 100) / 100:.2f}"
