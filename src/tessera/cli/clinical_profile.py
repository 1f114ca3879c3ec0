"""`tessera clinical profile`: what the columns of a hospital's tables hold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import has_folder, print_json, told

if TYPE_CHECKING:
    from tessera.domain.clinical.profile import ColumnProfile, TableProfile

Files = Annotated[
    list[Path],
    typer.Argument(
        help="CSV, XLSX, Parquet, REDCap export with its data dictionary, FHIR Bundle or NDJSON.",
        metavar="FILE…",
    ),
]
_BLOCKS = " ▁▂▃▄▅▆▇█"


def register(clinical_app: typer.Typer) -> None:
    """Add the command to `tessera clinical`."""
    clinical_app.command("profile")(profile_command)


def profile_command(
    files: Files,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page, for your eyes only.", callback=has_folder),
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the page: en or sv.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what each column holds: type, filled share, values, units, dates, who it may identify.

    It reads identified tables: keep what it prints inside the hospital. Values of columns
    that may identify a person are counted and never shown.

    **Example:** `tessera clinical profile registry.csv --html profile.html`
    """
    with told():
        from tessera.bootstrap.clinical_suggest import profile_files, write_profile
        from tessera.domain.clinical.profile_json import profile_json

        profiles = profile_files(files)
        if html is not None:
            write_profile(html, profiles, language=language)
    if as_json:
        print_json([profile_json(one) for one in profiles])
        return
    for profile in profiles:
        _show(profile)


def _show(profile: "TableProfile") -> None:
    form = profile.table.form
    facts = [
        f"{len(profile.table.rows.value)} rows{' and more' if profile.table.is_cut else ''}",
        f"{len(profile.columns)} columns",
        form.format,
        form.encoding,
        f"delimiter {form.delimiter!r}" if form.delimiter else "",
        f"header in row {form.header_row}" if form.header_row > 1 else "",
        f"decimal {profile.decimal!r}",
        f"language {profile.language}" if profile.language else "",
        f"no value: {', '.join(profile.missing)}" if profile.missing else "",
    ]
    typer.secho(f"{profile.table.name}: {'; '.join(fact for fact in facts if fact)}", bold=True)
    width = min(36, max(len(one.name) for one in profile.columns))
    for column in profile.columns:
        head = f"  {column.name[:width]:<{width}}  {column.kind:<9}  {column.filled_share:4.0%}"
        typer.echo(f"{head}  {column.n_distinct:>6}  {_told(column)}")


def _told(column: "ColumnProfile") -> str:
    from tessera.domain.clinical.profile_identity import WHYS

    if column.identifying:
        scheme = f" ({column.identifier})" if column.identifier else ""
        shown = "" if column.kind != "date" or column.dates is None else _dates(column) + "; "
        return f"{shown}not shown: {WHYS[column.identifying]}{scheme}"
    if column.kind == "date":
        return _dates(column)
    if column.kind == "number" and column.numbers:
        numbers = column.numbers
        top = max(numbers.bins) or 1
        bars = "".join(_BLOCKS[-(-8 * n // top)] for n in numbers.bins)
        codes = ", ".join(f"{text} ({n})" for text, n in numbers.codes)
        told_of = [
            f"{numbers.low:g} … {numbers.median:g} … {numbers.high:g} {bars}",
            f"units {', '.join(unit for unit, _ in numbers.units)}" if numbers.units else "",
            f"{column.n_strange} are no number" if column.n_strange else "",
            f"perhaps no value: {codes}" if codes else "",
        ]
        return "; ".join(part for part in told_of if part)
    said = ", ".join(f"{text} ({n})" for text, n in column.top[:6])
    more = f", {column.n_distinct - 6} more" if column.n_distinct > 6 else ""
    return f"{column.code_form + ': ' if column.code_form else ''}{said}{more}"


def _dates(column: "ColumnProfile") -> str:
    dates = column.dates
    if dates is None:
        return ""
    forms = ", ".join(f"{form} ({n})" for form, n in dates.forms)
    open_order = "; day or month first is not told" if dates.order == "open" else ""
    unread = f"; {dates.n_unread} are no date" if dates.n_unread else ""
    years = "" if column.identifying else f"{dates.first_year}–{dates.last_year}; "
    return f"{years}{forms}{open_order}{unread}"
