"""The keys of the search in use, and the field of the cohort language that answers each. Data.

Source: the catalogue of the EUCAIM explorer (samply/eucaim-frontend), classic and newer keys. An
empty field: this version of the cohort language has none, and says so.
"""

from typing import Final

SEARCH_KEYS: Final[dict[str, str]] = {
    "Sex": "sex",
    "Age at diagnosis": "age_at_diagnosis",
    "Diagnosis": "cancer",
    "Year of diagnosis": "",
    "Modality": "modality",
    "Body part": "body_part",
    "Manufacturer": "manufacturer",
    "ER": "er",
    "PR": "pr",
    "HER2": "her2",
    "Ki-67": "ki67",
    "PSA": "psa",
    "Gleason total": "gleason",
    "ISUP": "isup",
    "cT": "clinical_t",
    "pT": "pathological_t",
    "cN": "clinical_n",
    "pN": "pathological_n",
    "cM": "clinical_m",
    "pM": "pathological_m",
    "BI-RADS": "bi_rads",
    "PI-RADS": "pi_rads",
}
