"""What came of a clinical delivery, as one HTML file: no script, no network, no raw value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.domain.clinical.problem import MENDS, Problem
from tessera.domain.errors import InvalidInput

_SHOWN_ROWS: Final = 12
"""Rows named per kind of problem; the CSV report holds them all."""


def render_clinical(
    facts: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
    *,
    language: str,
) -> str:
    """Return the report. `facts`: what `tessera clinical apply --json` prints.

    Raises InvalidInput for a language that there is none of.
    """
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    n_rows = max(1, facts["rows"])
    return environment.get_template("clinical.html").render(
        facts=facts,
        language=language,
        words=WORDS[language],
        mapped=[(name, n, n / n_rows) for name, n in facts["mapped"].items()],
        groups=_groups(problems, files, language),
    )


def _groups(
    problems: Sequence[Problem], files: Sequence[str], language: str
) -> list[dict[str, object]]:
    n_of = Counter((one.reason, one.variable, one.column) for one in problems)
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in problems:
        mine = rows.setdefault((one.reason, one.variable, one.column), [])
        if len(mine) < _SHOWN_ROWS:
            mine.append(f"{files[one.place]}:{one.row}" if len(files) > 1 else str(one.row))
    return [
        {
            "reason": reason,
            "variable": variable,
            "column": column,
            "n": n,
            "rows": rows[reason, variable, column],
            "mend": SWEDISH_MENDS[reason] if language == "sv" else MENDS[reason],
        }
        for (reason, variable, column), n in n_of.most_common()
    ]


WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "report": "Clinical delivery",
        "rows": "rows",
        "converted": "converted",
        "rejected": "left out",
        "subjects": "subjects",
        "conditions": "cancers",
        "changes": "Difference to what the node has",
        "new": "new subjects",
        "changed": "changed",
        "same": "the same",
        "gone": "delivered before, not now",
        "columns": "What differs",
        "in": "in subjects",
        "mapped": "What was mapped",
        "variable": "Variable",
        "filled": "Rows with a value",
        "problems": "Problems",
        "none": "No problem was found.",
        "reason": "Problem",
        "column": "Column",
        "n": "Cells",
        "where": "Rows",
        "mend": "What to do",
        "more": "…",
        "inside": "Exact numbers and row numbers, no values: this page stays inside the hospital.",
    },
    "sv": {
        "report": "Klinisk leverans",
        "rows": "rader",
        "converted": "omvandlade",
        "rejected": "utelämnade",
        "subjects": "personer",
        "conditions": "cancersjukdomar",
        "changes": "Skillnad mot vad noden har",
        "new": "nya personer",
        "changed": "ändrade",
        "same": "oförändrade",
        "gone": "levererade förr, inte nu",
        "columns": "Vad som skiljer",
        "in": "hos personer",
        "mapped": "Vad som mappades",
        "variable": "Variabel",
        "filled": "Rader med värde",
        "problems": "Problem",
        "none": "Inga problem hittades.",
        "reason": "Problem",
        "column": "Kolumn",
        "n": "Celler",
        "where": "Rader",
        "mend": "Vad som kan göras",
        "more": "…",
        "inside": "Exakta tal och radnummer, inga värden: sidan stannar på sjukhuset.",
    },
}
SWEDISH_MENDS: Final[dict[str, str]] = {
    "missing-patient-id": "ge raden den patientidentitet som bilderna har",
    "unknown-value": "lägg till värdet under `values` i mappningen, eller rätta tabellen",
    "unreadable-date": "lägg till datumets form under `dates` i mappningen, eller rätta tabellen",
    "date-in-future": "rätta datumet i tabellen",
    "unreadable-number": "rätta talet i tabellen; gränser som <0,1 är inga värden",
    "no-unit": "ange enheten i tabellen, eller `unit` i mappningen",
    "not-a-row": "raden saknar vad den handlar om (kod eller slag); lägg till det under `values`",
    "unknown-unit": "lägg till enheten under `units` i mappningen, eller rätta tabellen",
    "out-of-range": "rätta värdet i tabellen",
    "no-cancer": "ange cancern eller dess topografi; personen behålls utan",
    "cancer-not-in-vocabulary": "datamodellen har ingen sådan cancer; personen behålls",
    "topography-disagrees": "topografin är ett annat organ än cancerns; rätta det ena",
    "gleason-not-prostate": "Gleason hör till prostatacancer; rätta raden",
    "psa-in-woman": "PSA hör till män; rätta könet eller värdet",
    "sex-disagrees-with-cancer": "prostatacancer hos en kvinna; rätta könet eller cancern",
    "diagnosis-after-death": "rätta datumet för diagnos eller död",
    "diagnosis-before-birth": "rätta datumet för diagnos eller födelse",
    "contact-before-diagnosis": "rätta datumet för diagnos eller senaste kontakt",
    "treatment-before-diagnosis": "rätta datumet för behandling eller diagnos",
    "treatment-before-birth": "rätta datumet för behandling eller födelse",
    "age-disagrees": "ålder och datum skiljer mer än ett år; rätta det ena",
    "duplicate-row": "samma cancer hos samma patient igen; den första raden används",
    "rows-disagree": "två rader för en patient skiljer sig här; den första används",
}
