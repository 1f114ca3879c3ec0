"""Stage groups of AJCC/UICC TNM, 8th edition, as rules per cancer. Pure.

Each rule takes single categories (of `CATEGORIES`) and returns the stage group, "" where the
edition defines none. Written from the published definitions; no text is copied.

Source: AJCC Cancer Staging Manual, 8th edition, and UICC TNM Classification of Malignant Tumours,
8th edition: the sections of each organ.
"""

from collections.abc import Callable
from typing import Final

Rule = Callable[[str, str, str], str]

CATEGORIES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "prostate": (
        tuple("T1a T1b T1c T2a T2b T2c T3a T3b T4".split()),
        ("N0", "N1"),
        ("M0", "M1a", "M1b", "M1c"),
    ),
    "breast": (
        tuple("Tis T0 T1mi T1a T1b T1c T2 T3 T4a T4b T4c T4d".split()),
        tuple("N0 N1mi N1 N2 N3".split()),
        ("M0", "M1"),
    ),
    "lung": (
        tuple("Tis T1mi T1a T1b T1c T2a T2b T3 T4".split()),
        tuple("N0 N1 N2 N3".split()),
        ("M0", "M1a", "M1b", "M1c"),
    ),
    "colon": (
        tuple("Tis T1 T2 T3 T4a T4b".split()),
        tuple("N0 N1a N1b N1c N2a N2b".split()),
        ("M0", "M1a", "M1b", "M1c"),
    ),
    "kidney": (
        tuple("T1a T1b T2a T2b T3a T3b T3c T4".split()),
        ("N0", "N1"),
        ("M0", "M1"),
    ),
    "bladder": (
        tuple("Ta Tis T1 T2a T2b T3a T3b T4a T4b".split()),
        tuple("N0 N1 N2 N3".split()),
        ("M0", "M1a", "M1b"),
    ),
    "liver": (tuple("T1a T1b T2 T3 T4".split()), ("N0", "N1"), ("M0", "M1")),
    "pancreas": (
        tuple("Tis T1a T1b T1c T2 T3 T4".split()),
        ("N0", "N1", "N2"),
        ("M0", "M1"),
    ),
    "stomach": (
        tuple("Tis T1a T1b T2 T3 T4a T4b".split()),
        tuple("N0 N1 N2 N3a N3b".split()),
        ("M0", "M1"),
    ),
}
"""Cancer → the single T, N and M categories of the edition."""


def breast(t: str, n: str, m: str) -> str:
    """Return the anatomic stage. The prognostic stage also needs grade and receptors."""
    if m != "M0":
        return "IV"
    if n == "N3":
        return "IIIC"
    if t == "Tis":
        return "0" if n == "N0" else ""
    size = t[:2]
    if size == "T4":
        return "IIIB"
    if n == "N2" or (size == "T3" and n in ("N1", "N1mi")):
        return "IIIA"
    if size == "T3":
        return "IIB"
    if size == "T2":
        return "IIA" if n == "N0" else "IIB"
    if n == "N1":
        return "IIA"
    if n == "N1mi":
        return "IB"
    return "IA" if size == "T1" else ""


def lung(t: str, n: str, m: str) -> str:
    """Return the stage of non-small-cell and small-cell carcinoma."""
    if m != "M0":
        return "IVB" if m == "M1c" else "IVA"
    if t == "Tis":
        return "0" if n == "N0" else ""
    size = t[:2]
    if n == "N3":
        return "IIIC" if size in ("T3", "T4") else "IIIB"
    if n == "N2":
        return "IIIB" if size in ("T3", "T4") else "IIIA"
    if size == "T4":
        return "IIIA"
    if n == "N1":
        return "IIIA" if size == "T3" else "IIB"
    small = {"T1mi": "IA1", "T1a": "IA1", "T1b": "IA2", "T1c": "IA3", "T2a": "IB", "T2b": "IIA"}
    return small.get(t, "IIB")


def colorectum(t: str, n: str, m: str) -> str:
    """Return the stage of colon and rectum."""
    if m != "M0":
        return {"M1a": "IVA", "M1b": "IVB", "M1c": "IVC"}[m]
    if n == "N0":
        alone = {"Tis": "0", "T1": "I", "T2": "I", "T3": "IIA", "T4a": "IIB", "T4b": "IIC"}
        return alone[t]
    if t == "Tis":
        return ""
    if t == "T4b":
        return "IIIC"
    if n in ("N1a", "N1b", "N1c"):
        return "IIIA" if t in ("T1", "T2") else "IIIB"
    if n == "N2a":
        return {"T1": "IIIA", "T2": "IIIB", "T3": "IIIB", "T4a": "IIIC"}[t]
    return "IIIB" if t in ("T1", "T2") else "IIIC"


def kidney(t: str, n: str, m: str) -> str:
    """Return the stage of renal cell carcinoma."""
    if m != "M0" or t == "T4":
        return "IV"
    if t[:2] == "T3" or n == "N1":
        return "III"
    return "I" if t[:2] == "T1" else "II"


def bladder(t: str, n: str, m: str) -> str:
    """Return the stage of urothelial carcinoma of the bladder."""
    if m != "M0":
        return "IVA" if m == "M1a" else "IVB"
    if t in ("Ta", "Tis"):
        return {"Ta": "0a", "Tis": "0is"}[t] if n == "N0" else ""
    if t == "T4b":
        return "IVA"
    if n in ("N2", "N3"):
        return "IIIB"
    if n == "N1":
        return "IIIA"
    return {"T1": "I", "T2": "II"}.get(t[:2], "IIIA")


def hepatocellular(t: str, n: str, m: str) -> str:
    """Return the stage of hepatocellular carcinoma."""
    if m != "M0":
        return "IVB"
    if n == "N1":
        return "IVA"
    return {"T1a": "IA", "T1b": "IB", "T2": "II", "T3": "IIIA", "T4": "IIIB"}[t]


def bile_duct_in_liver(t: str, n: str, m: str) -> str:
    """Return the stage of intrahepatic cholangiocarcinoma."""
    if m != "M0":
        return "IV"
    if n == "N1":
        return "IIIB"
    return {"T1a": "IA", "T1b": "IB", "T2": "II", "T3": "IIIA", "T4": "IIIB"}[t]


def pancreas(t: str, n: str, m: str) -> str:
    """Return the stage of exocrine carcinoma."""
    if m != "M0":
        return "IV"
    if t == "Tis":
        return "0" if n == "N0" else ""
    if t == "T4" or n == "N2":
        return "III"
    if n == "N1":
        return "IIB"
    return {"T1": "IA", "T2": "IB", "T3": "IIA"}[t[:2]]


def stomach_clinical(t: str, n: str, m: str) -> str:
    """Return the clinical stage (cTNM)."""
    if m != "M0":
        return "IVB"
    if t == "Tis":
        return "0" if n == "N0" else ""
    if t == "T4b":
        return "IVA"
    deep = t in ("T3", "T4a")
    if n == "N0":
        return "IIB" if deep else "I"
    return "III" if deep else "IIA"


_STOMACH = {
    "T1": ("IA", "IB", "IIA", "IIB", "IIIB"),
    "T2": ("IB", "IIA", "IIB", "IIIA", "IIIB"),
    "T3": ("IIA", "IIB", "IIIA", "IIIB", "IIIC"),
    "T4a": ("IIB", "IIIA", "IIIA", "IIIB", "IIIC"),
    "T4b": ("IIIA", "IIIB", "IIIB", "IIIC", "IIIC"),
}
"""T → the stage for N0, N1, N2, N3a and N3b."""


def stomach_pathological(t: str, n: str, m: str) -> str:
    """Return the pathological stage (pTNM)."""
    if m != "M0":
        return "IV"
    if t == "Tis":
        return "0" if n == "N0" else ""
    row = _STOMACH["T1" if t in ("T1a", "T1b") else t]
    return row[("N0", "N1", "N2", "N3a", "N3b").index(n)]


def prostate(t: str, n: str, m: str, *, psa_band: int, grade_group: int, is_clinical: bool) -> str:
    """Return the stage; `psa_band` is 0 below 10 ng/mL, 1 below 20, 2 from 20."""
    if m != "M0":
        return "IVB"
    if n == "N1":
        return "IVA"
    if grade_group == 5:
        return "IIIC"
    if t[:2] in ("T3", "T4"):
        return "IIIB"
    if psa_band == 2:
        return "IIIA"
    if grade_group in (3, 4):
        return "IIC"
    if grade_group == 2:
        return "IIB"
    within_half = t[:2] == "T1" or t == "T2a" or not is_clinical
    return "I" if within_half and psa_band == 0 else "IIA"
