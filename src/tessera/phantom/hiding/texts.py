"""What is written about a patient: sentences with identities in them, and which words must stay."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np

from tessera.phantom.hiding.people import Patient, as_held
from tessera.phantom.hiding.spellings import (
    day_in_words,
    genitive,
    name_parts,
    name_spellings,
    spoken,
)
from tessera.phantom.streams import pick

_KEEP = re.compile(r"\[\[(.*?)\]\]")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is planted. `removed` and `days` stand in it in this very form."""

    text: str
    kept: tuple[str, ...]
    removed: tuple[tuple[str, str], ...] = ()
    """(kind, value) of every identity."""
    days: tuple[str, ...] = ()
    """Dates that must be shifted or removed."""


@cache
def phrases() -> dict[str, dict[str, list[str]]]:
    """The phrase book by language; `any` holds what is the same in all."""
    source = files("tessera.phantom.hiding") / "phrases.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


class Writer:
    """Writes texts about one patient; what it picks follows from `rng` alone."""

    def __init__(self, rng: np.random.Generator, patient: Patient) -> None:
        self._rng = rng
        self._patient = patient
        self._book = phrases()["el" if patient.language == "el" else patient.language]
        self._any = phrases()["any"]

    def long(self, day: date, *, template: int | None = None) -> Text:
        """A sentence that names somebody, and clinical words around it."""
        options = self._book["long"]
        form = pick(self._rng, options) if template is None else options[template % len(options)]
        return self._filled(form, day)

    def short(self, day: date, *, longest: int = 64) -> Text:
        """A description that names somebody, at most `longest` characters and encoded bytes."""
        for _ in range(20):
            made = self._filled(pick(self._rng, self._book["short"]), day)
            if len(made.text) <= longest:
                return made
        return self._filled("[[CT]] {patient_id}", day)

    def clinical(self) -> Text:
        """A sentence about findings that must stay whole."""
        return self._whole(pick(self._rng, self._book["clinical"]))

    def series(self) -> Text:
        """A series name that must stay whole."""
        return self._whole(pick(self._rng, self._any["series"]))

    def hard(self) -> Text:
        """Eponyms, scores and agents that look like names and must stay."""
        kind = ("hard", "scores", "agents", "eponym")[int(self._rng.integers(4))]
        source = self._book if kind == "eponym" else self._any
        own = {p.casefold() for p in name_parts(self._patient.pn) for p in p.split()}
        options = [o for o in source[kind] if not any(name in o.casefold() for name in own)]
        return self._whole(pick(self._rng, options))

    def name_only(self, *, longest: int = 64) -> Text:
        """One spelling of the patient's name and nothing else; the family name if all are long."""
        spellings = [self._fit(spelling) for spelling in name_spellings(self._patient)]
        family = self._fit(self._patient.family)
        options = [s for s in spellings if len(s) <= longest] or [family.split()[0][:longest]]
        spelling = pick(self._rng, options)
        return Text(spelling, (), (("name", spelling),))

    def _whole(self, text: str) -> Text:
        return Text(self._fit(text), (self._fit(text),))

    def _filled(self, template: str, day: date) -> Text:
        patient = self._patient
        form = int(self._rng.integers(3))
        names = name_spellings(patient)
        values = {
            "name": ("name", names[int(self._rng.integers(2))]),
            "family": ("name", patient.family),
            "family_genitive": ("name", genitive(patient)),
            "upper": ("name", f"{patient.romaji[0]} {patient.romaji[1]}".upper()),
            "folded": ("name", f"{patient.romaji[1]} {patient.romaji[0]}"),
            "born": ("birth_date", day_in_words(patient.born, patient.language, form)),
            "national": ("id", pick(self._rng, patient.national)),
            "patient_id": ("id", patient.patient_id),
            "phone": ("phone", patient.phone),
            "mail": ("mail", patient.mail),
            "address": ("address", patient.address),
            "physician": ("physician", spoken(patient.physician, patient.language)),
            "reader": ("physician", spoken(patient.reader, patient.language)),
        }
        text_date = self._fit(day_in_words(day, patient.language, form))
        removed = tuple(
            (kind, self._fit(value))
            for field, (kind, value) in values.items()
            if "{" + field + "}" in template
        )
        filled = template.format(
            text_date=text_date, **{field: value for field, (_, value) in values.items()}
        )
        kept = tuple(self._fit(found) for found in _KEEP.findall(filled))
        text = self._fit(_KEEP.sub(r"\1", filled))
        return Text(text, kept, removed, (text_date,) if "{text_date}" in template else ())

    def _fit(self, text: str) -> str:
        """`text` as the instance's character set can hold it."""
        return as_held(text, self._patient.charset)
