"""`tessera deid`: de-identify any folder, with no node."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, progress, told


def register(app: typer.Typer) -> None:
    app.command("deid")(deid_command)


def deid_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder, zip or file.", exists=True)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the result.")],
    profile: Annotated[
        str, typer.Option(help="research, basic, or the path of a TOML file.")
    ] = "research",
    key: Annotated[
        Path | None,
        typer.Option(help="Key file; made when absent. Without it a key for this run only."),
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help="IssuerOfPatientID that means home. Repeatable.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write what was done to a JSON file. It names sources: keep it in the hospital.",
            callback=has_folder,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """De-identify DICOM by PS3.15 into OUT/subject/study/series/instance.dcm.

    What may carry text in its pixels is held, what cannot be understood is refused; both are
    reported with a reason, never copied. Exit code 3 when there was any.

    **Example:** `tessera deid ./export ./shared --key project.key --report report.json`
    """
    import json
    from collections import Counter
    from dataclasses import asdict
    from time import perf_counter

    from tessera.bootstrap.deid import deidentify_folder, described_changes, read_key, rules_of
    from tessera.bootstrap.ingest import list_sources

    with told():
        rules = rules_of(profile)
        secret, is_new = read_key(key)
        if key is None:
            typer.echo("note: no --key: pseudonyms will not match any other run's", err=True)
        elif is_new:
            typer.echo(f"note: new key written to {key}; keep it secret and keep it", err=True)
        sources = list_sources([source])
        states: Counter[str] = Counter()
        changes: Counter[tuple[int, int]] = Counter()
        files: list[dict[str, object]] = []
        n_bytes, began = 0, perf_counter()
        with progress() as bar:
            task = bar.add_task("de-identify", total=len(sources))
            for batch in deidentify_folder(
                sources,
                out,
                profile=profile,
                key=secret,
                issuers=issuer or (),
                workers=workers,
            ):
                states.update(one.state for one in batch.files)
                changes.update(batch.changes)
                n_bytes += sum(one.n_bytes for one in batch.files)
                files.extend(asdict(one) for one in batch.files if report)
                bar.advance(task, len(batch.files))
    seconds = perf_counter() - began
    summary = {
        "profile": rules.label,
        "options": list(rules.profile.options),
        "files": len(sources),
        "bytes_written": n_bytes,
        "seconds": round(seconds, 3),
        "states": dict(sorted(states.items())),
    }
    if report:
        body = {**summary, "changes": described_changes(changes), "outcomes": files}
        with told():
            report.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        print_json(summary)
    else:
        words = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
        words = words or "nothing to do"
        typer.echo(f"{len(sources)} files in {seconds:.1f} s with {rules.label}: {words}")
    if states["held"] or states["refused"]:
        raise typer.Exit(exit_codes.INCOMPLETE)
