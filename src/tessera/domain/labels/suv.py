"""Activity to SUV by body weight. Pure.

Source: QIBA vendor-neutral pseudo-code for SUV calculation (2012), with the scan time as there:
the series' own, unless an acquisition began before it.
"""

from dataclasses import dataclass
from datetime import datetime

from tessera.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class PetFacts:
    """What a PET header tells. Empty or None where it does not."""

    units: str
    """(0054,1001): BQML, or GML for what is SUV already."""
    suv_type: str = ""
    corrected: frozenset[str] = frozenset()
    """(0028,0051)."""
    decay_correction: str = ""
    """(0054,1102): START, ADMIN or NONE."""
    weight_kg: float | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected: datetime | None = None
    scanned: datetime | None = None


def suv_factor(facts: PetFacts) -> float:
    """Return by what a value is multiplied to be SUVbw, g/ml. Raises InvalidInput telling why."""
    if facts.units == "GML" and facts.suv_type in ("", "BW"):
        return 1.0
    if facts.units != "BQML":
        raise InvalidInput("no SUV: its units are neither BQML nor SUV by body weight")
    if not {"ATTN", "DECY"} <= facts.corrected:
        raise InvalidInput("no SUV: it is not corrected for attenuation and decay")
    weight, dose = facts.weight_kg, facts.dose_bq
    if not weight or weight <= 0 or not dose or dose <= 0:
        raise InvalidInput("no SUV: PatientWeight or RadionuclideTotalDose is absent")
    if facts.decay_correction == "ADMIN":
        return weight * 1000 / dose
    if facts.decay_correction != "START":
        raise InvalidInput("no SUV: DecayCorrection is neither START nor ADMIN")
    half_life = facts.half_life_s
    if not half_life or half_life <= 0 or facts.injected is None or facts.scanned is None:
        raise InvalidInput("no SUV: the half life, or the time of injection or scan, is absent")
    seconds = (facts.scanned - facts.injected).total_seconds()
    if not 0 <= seconds < 20 * half_life:
        raise InvalidInput("no SUV: the injection is not before the scan")
    return float(weight * 1000 / (dose * 2 ** (-seconds / half_life)))
