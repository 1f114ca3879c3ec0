"""One concept of the terminology: its words, its codes and what it is a kind of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One meaning that a coded column may hold; its `name` is what the column holds."""

    name: str
    """Stable, unique within its group."""
    group: str
    label_en: str
    label_sv: str
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language (en, sv, es, el, de, fr, it; any: abbreviations) → other words for it."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """System → the code to write. Systems: see `SYSTEMS`."""
    covers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """System → categories and ranges that mean this concept: ICD-O-3 topography C18, morphology
    8720-8790, ICD-10 C18."""
    same_as: tuple[str, ...] = ()
    """`system:code` of duplicates elsewhere with the same meaning; to be read, not written."""
    parents: tuple[str, ...] = ()
    """Names in the same group that this is a kind (or a part) of."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a group says beside: `unit` (UCUM), `tag` (DICOM), `dimension`, `factor`, …"""
    since: str = ""
    """Version of the terminology that added it."""
    retired: str = ""
    """Version that retired it; "" while it is in use."""
    replaced_by: str = ""
    """Name in the same group that took the place of a retired one."""

    def label(self, language: str) -> str:
        """Return the label in Swedish for `sv…`, else in English."""
        return self.label_sv if language[:2].casefold() == "sv" else self.label_en


SYSTEMS = {
    "SCT": "SNOMED CT",
    "ICDO3T": "ICD-O-3 topography",
    "ICDO3M": "ICD-O-3 morphology",
    "ICD10": "ICD-10",
    "LN": "LOINC",
    "RADLEX": "RadLex",
    "UCUM": "UCUM",
    "DCM": "DICOM (PS3.16 Annex D), and defined terms of PS3.3",
    "EUCAIM": "EUCAIM hyper-ontology",
    "ATC": "Anatomical Therapeutic Chemical classification",
    "EXPLORER": "Keys of the EUCAIM explorer outside the other systems (NCIt, NIF)",
}
"""Short name of a code system → what it is. Source of the short names: PS3.16 Table 8-1."""
