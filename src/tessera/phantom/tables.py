"""The clinical table of a site, as a registry hands it out: local words, mixed forms, gaps.

`table_rows` tells the story of the patients in local words and plants some
errors; `csv_bytes` and `xlsx_bytes` write the same rows. Same rows, same bytes.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from openpyxl import Workbook
from openpyxl.styles import Font

from tessera.phantom.locale import Locale, TableLayout
from tessera.phantom.patients import Patient
from tessera.phantom.streams import pick, stream

_GREEK_CAPITALS = str.maketrans({"I": "Ι"})
"""Roman numerals as typed on a Greek keyboard: iota for I. V has no Greek twin."""
_MISSING = {
    "stage": 0.03,
    "tnm": 0.06,
    "psa": 0.04,
    "gleason": 0.03,
    "er": 0.04,
    "pr": 0.04,
    "her2": 0.05,
    "ki67": 0.15,
    "cea": 0.12,
    "treatment": 0.03,
    "treatment_date": 0.03,
    "height": 0.10,
    "weight": 0.10,
    "physician": 0.05,
    "phone": 0.06,
    "morphology": 0.05,
    "topography": 0.03,
}
"""Chance that a value which exists was never filled in, by column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: as text in CSV, as `value` in XLSX (a date or number where Excel has one)."""

    text: str
    value: str | float | date


Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class TableError:
    """An error planted on purpose. `column` is the local name, "" for the whole row."""

    kind: str
    patient_id: str
    column: str
    text: str


def table_rows(
    seed: int, patients: Sequence[Patient], locale: Locale
) -> tuple[list[Row], list[TableError]]:
    """The rows in file order, and what is wrong with them on purpose."""
    rows = {
        p.number: _row(stream(seed, locale.language, "row", p.person.patient_id), p, locale)
        for p in patients
    }
    errors = _plant_errors(seed, patients, rows, locale)
    ordered = [rows[p.number] for p in patients if p.number in rows]
    again = {e.patient_id for e in errors if e.kind == "duplicate-row"}
    ordered += [rows[p.number] for p in patients if p.person.patient_id in again]
    return ordered, errors


def csv_bytes(rows: Sequence[Row], layout: TableLayout) -> bytes:
    """The table as the site's delimited text, in its own encoding, with CRLF line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delimiter, lineterminator="\r\n")
    writer.writerow(layout.columns.values())
    for row in rows:
        writer.writerow([row[key].text for key in layout.columns])
    return text.getvalue().encode(layout.encoding)


def xlsx_bytes(rows: Sequence[Row], layout: TableLayout) -> bytes:
    """The table as a workbook of one sheet; free of the clock, so that same rows are same bytes."""
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet(layout.sheet)
    sheet.append(list(layout.columns.values()))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append([row[key].value for key in layout.columns])
    sheet.freeze_panes = "B2"
    book.properties.creator = "registry"
    book.properties.created = datetime(2025, 1, 7, tzinfo=UTC).replace(tzinfo=None)
    raw = io.BytesIO()
    book.save(raw)
    return _fixed_times(raw.getvalue())


def _fixed_times(workbook: bytes) -> bytes:
    """The same workbook with every date of saving replaced by a fixed one."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                head, _, rest = content.partition(b"<dcterms:modified")
                opening, _, tail = rest.partition(b">")
                _, _, tail = tail.partition(b"</dcterms:modified>")
                fixed = b"2025-01-07T09:00:00Z</dcterms:modified>"
                content = head + b"<dcterms:modified" + opening + b">" + fixed + tail
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _row(rng: np.random.Generator, patient: Patient, locale: Locale) -> Row:
    layout, person, cancer = locale.table, patient.person, patient.cancer
    row = {key: Cell("", "") for key in layout.columns}

    def put(key: str, text: str) -> None:
        row[key] = Cell(text, text)

    def word(key: str, values: str, concept: str) -> None:
        choices = layout.values[values][concept]
        put(key, choices[0] if rng.random() < 0.7 else pick(rng, choices))

    def number(key: str, value: float, digits: int) -> None:
        text = f"{value:.{digits}f}"
        row[key] = Cell(text.replace(".", layout.decimal), float(text))

    def day(key: str, value: date | None) -> None:
        if value is not None:
            form = layout.dates[int(rng.choice(3, p=(0.84, 0.1, 0.06)))]
            row[key] = Cell(
                value.strftime(form),
                value if form == layout.dates[0] else value.strftime(form),
            )

    put("patient_id", person.ids[1])
    put("family_name", person.family)
    put("given_name", person.given)
    word("sex", "sex", person.sex)
    day("birth_date", person.born)
    put("address", person.address)
    put("phone", person.phone)
    word("group", "group", "cancer" if cancer else "control")
    if layout.height == "m":
        number("height", person.height_cm / 100, 2)
    else:
        number("height", person.height_cm, 0)
    number("weight", person.weight_kg, 1)
    put("physician", person.physician.replace("^^", " ").replace("^", " "))
    word("status", "status", "dead" if patient.died else "alive")
    day("last_contact", patient.last_contact)
    day("death_date", patient.died)
    if cancer:
        _cancer_cells(rng, patient, locale, put, word, number, day)
    if rng.random() < 0.35:
        put("comment", _comment(rng, patient, locale))
    for key, chance in _MISSING.items():
        if row[key].text and rng.random() < chance:
            put(key, pick(rng, layout.missing))
            if key == "psa":
                put("psa_unit", "")
    return row


def _cancer_cells(
    rng: np.random.Generator,
    patient: Patient,
    locale: Locale,
    put: Callable[[str, str], None],
    word: Callable[[str, str, str], None],
    number: Callable[[str, float, int], None],
    day: Callable[[str, date | None], None],
) -> None:
    layout, cancer = locale.table, patient.cancer
    assert cancer is not None  # noqa: S101 - the caller has looked; this is for the type checker
    word("diagnosis", "diagnosis", cancer.concept)
    put("icd10", cancer.icd10)
    put("topography", cancer.topography)
    put("morphology", cancer.morphology)
    day("diagnosis_date", cancer.diagnosed)
    form = layout.stage[int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
    put(
        "stage",
        form.format(
            roman=cancer.stage,
            sub=cancer.substage,
            arabic=str(("I", "II", "III", "IV").index(cancer.stage) + 1),
            greek=cancer.stage.translate(_GREEK_CAPITALS),
        ),
    )
    put("tnm", cancer.tnm)
    if cancer.psa is not None:
        unit = layout.psa_units[int(rng.random() < 0.2)]
        number("psa", cancer.psa * (100 if unit == "ng/dL" else 1), 0 if unit == "ng/dL" else 1)
        put("psa_unit", unit)
    if cancer.gleason is not None:
        a, b = cancer.gleason
        form = layout.gleason[int(rng.random() < 0.25)]
        put("gleason", form.format(a=a, b=b, t=a + b))
    for key, value in (("er", cancer.er), ("pr", cancer.pr)):
        if value:
            word(key, "receptor", value)
    if cancer.her2:
        word("her2", "her2", cancer.her2)
    if cancer.ki67 is not None:
        number("ki67", cancer.ki67, 0)
    for key, value in (("birads", cancer.birads), ("pirads", cancer.pirads)):
        if value:
            put(key, value)
    if cancer.cea is not None:
        number("cea", cancer.cea, 1)
    word("treatment", "treatment", cancer.treatment)
    day("treatment_date", cancer.treated)
    day("recurrence_date", cancer.recurred)


def _comment(rng: np.random.Generator, patient: Patient, locale: Locale) -> str:
    person, concept = patient.person, patient.concept
    names = locale.table.values["diagnosis"].get(concept, (locale.words["no_lesion"],))
    template = locale.words[pick(rng, ["note", "request"])]
    return template.format(
        name=f"{person.given} {person.family}",
        id=person.ids[0],
        short_id=person.ids[2],
        physician=person.physician.split("^")[0],
        diagnosis=names[0],
        phone=person.phone,
    )


def _plant_errors(
    seed: int, patients: Sequence[Patient], rows: dict[int, Row], locale: Locale
) -> list[TableError]:
    """Change `rows` in place for about one patient in ten, one error each.

    From three patients on, one row is always missing: its images have no
    clinical row. Common cancers keep their rows, so that counts stay useful.
    """
    layout = locale.table
    order = list(patients)
    stream(seed, locale.language, "table errors").shuffle(order)
    order.sort(key=lambda p: p.concept in ("prostate", "breast"))
    errors: list[TableError] = []
    used: set[int] = set()
    for kind in ([*_ERRORS] * len(patients))[: max(1, round(len(patients) / 10))]:
        if len(patients) < 3:
            break
        column, eligible, text_of = _ERRORS[kind]
        patient = next((p for p in order if p.number not in used and eligible(p)), None)
        if patient is None:
            continue
        used.add(patient.number)
        text = text_of(patient, layout)
        if kind == "missing-row":
            del rows[patient.number]
        elif column:
            rows[patient.number] = rows[patient.number] | {column: Cell(text, text)}
        local = layout.columns.get(column, "")
        errors.append(TableError(kind, patient.person.patient_id, local, text))
    return errors


def _early(patient: Patient, layout: TableLayout) -> str:
    treated = patient.cancer.treated if patient.cancer else patient.last_contact
    return (treated - timedelta(days=3650)).strftime(layout.dates[0])


_Error = tuple[str, Callable[[Patient], bool], Callable[[Patient, TableLayout], str]]
_ERRORS: dict[str, _Error] = {
    "missing-row": ("", lambda p: True, lambda p, t: ""),
    "treatment-before-diagnosis": ("treatment_date", lambda p: p.cancer is not None, _early),
    "duplicate-row": ("", lambda p: True, lambda p, t: ""),
    "impossible-date": (
        "last_contact",
        lambda p: True,
        lambda p, t: date(2022, 2, 28).strftime(t.dates[0]).replace("28", "30"),
    ),
    "unreadable-stage": ("stage", lambda p: p.cancer is not None, lambda p, t: "V?"),
    "gleason-in-another-cancer": (
        "gleason",
        lambda p: p.concept not in ("prostate", "control"),
        lambda p, t: "7",
    ),
    "unreadable-psa": ("psa", lambda p: p.concept == "prostate", lambda p, t: "se journal"),
    "unknown-sex": ("sex", lambda p: True, lambda p, t: "X"),
}
"""Kind: column, which patients can have it, the text put there."""
