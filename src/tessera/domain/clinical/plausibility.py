"""Cross-checks of one row's values: what cannot be true is removed and named. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from tessera.domain.clinical.concepts import cancer_of_topography

Values = dict[str, Any]
_RANGES: Final = {
    "age_at_diagnosis": (0.0, 120.0),
    "psa_ng_ml": (0.0, 20_000.0),
    "survival_days": (0.0, 36_525.0),
    "treatment_offset_days": (-366.0, 36_525.0),
}
"""Inclusive. Treatment may begin up to a year before the pathology that dates the diagnosis."""
_DAYS_PER_YEAR = 365.2425


def implausible(values: Values) -> Iterator[tuple[str, str]]:
    """Yield (variable, reason) for what cannot be true, and remove it from `values`.

    Where two values contradict each other and nothing says which is wrong, both go.
    """
    for field, (low, high) in _RANGES.items():
        number = values.get(field)
        if isinstance(number, int | float) and not low <= number <= high:
            del values[field]
            yield field, "out-of-range"
    yield from _organs(values)
    yield from _dates(values)
    if values.get("population") == "cancer" and "cancer" not in values:
        yield "cancer", "cancer-not-in-vocabulary" if "topography" in values else "no-cancer"


def _organs(values: Values) -> Iterator[tuple[str, str]]:
    cancer, topography = values.get("cancer"), values.get("topography")
    if (
        cancer
        and isinstance(topography, str)
        and cancer_of_topography(topography) not in (cancer, None)
    ):
        del values["topography"]
        yield "topography", "topography-disagrees"
    if "gleason" in values and cancer != "prostate":
        del values["gleason"]
        yield "gleason", "gleason-not-prostate"
    if values.get("sex") == "female" and cancer == "prostate":
        del values["sex"]
        yield "sex", "sex-disagrees-with-cancer"
    if values.get("sex") == "female" and "psa_ng_ml" in values:
        del values["psa_ng_ml"]
        yield "psa_ng_ml", "psa-in-woman"


def _dates(values: Values) -> Iterator[tuple[str, str]]:
    born, diagnosed = values.get("birth_date"), values.get("diagnosis_date")
    treated, died = values.get("treatment_date"), values.get("death_date")
    if isinstance(diagnosed, date) and isinstance(died, date) and diagnosed > died:
        del values["diagnosis_date"], values["death_date"]
        values.pop("survival_days", None)
        yield "diagnosis_date", "diagnosis-after-death"
        diagnosed = None
    if isinstance(born, date) and isinstance(diagnosed, date) and born > diagnosed:
        del values["diagnosis_date"], values["birth_date"]
        yield "diagnosis_date", "diagnosis-before-birth"
        return
    if isinstance(born, date) and isinstance(treated, date) and born > treated:
        del values["treatment_date"]
        yield "treatment_date", "treatment-before-birth"
    treated = values.get("treatment_date")
    if isinstance(diagnosed, date) and isinstance(treated, date):
        earliest = _RANGES["treatment_offset_days"][0]
        if (treated - diagnosed).days < earliest:
            del values["treatment_date"]
            yield "treatment_date", "treatment-before-diagnosis"
    seen = values.get("last_contact_date")
    if isinstance(seen, date) and isinstance(diagnosed, date) and seen < diagnosed:
        del values["last_contact_date"]
        yield "last_contact_date", "contact-before-diagnosis"
    age = values.get("age_at_diagnosis")
    if isinstance(born, date) and isinstance(diagnosed, date) and isinstance(age, int | float):
        years = (diagnosed - born).days / _DAYS_PER_YEAR
        if abs(years - age) > 1.1:
            del values["age_at_diagnosis"], values["birth_date"]
            yield "age_at_diagnosis", "age-disagrees"
