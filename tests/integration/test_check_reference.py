"""The checks on real patients' images: they find what is there, and no more."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tessera.bootstrap.check import CheckRequest, check
from tessera.domain.quality.report import QualityReport

REPO = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.reference


def checked(folder: str) -> QualityReport:
    data = Path(os.environ.get("TESSERA_REFERENCE_DATA", REPO.parent / "shared" / "data"))
    target = data / "dicom" / folder
    if not target.is_dir():
        pytest.skip(f"public DICOM {folder} not found; set TESSERA_REFERENCE_DATA")
    request = CheckRequest(target=target)
    return check(request, on_total=lambda _: None, on_outcome=lambda _: None)


def kinds(report: QualityReport) -> Counter[str]:
    return Counter(found.kind for found in report.findings if found.check != "Q-T1-05")


def test_a_multiparametric_prostate_study_has_one_fault_and_its_reason() -> None:
    """54 series of T2w, DWI, ADC and 36 DCE phases; the DWI kept its b-values in private ones."""
    report = checked("tcia-prostatex")
    assert (report.totals.n_instances, report.totals.n_series) == (923, 55)
    assert kinds(report) == {"place-layers": 1, "b-private": 2}


def test_a_lung_pet_ct_with_segmentations_has_no_finding_but_missing_attributes() -> None:
    report = checked("tcia-acrin-nsclc-pet")
    assert report.totals.n_instances == 412
    assert kinds(report) == {"date-too-early": 1}
    assert {f.evidence.get("attribute") for f in report.findings} == {"BodyPartExamined", None}


def test_a_sagittal_head_series_has_only_blank_slices_to_note() -> None:
    report = checked("datalad-structural")
    assert report.totals.n_instances == 384
    assert kinds(report) == {"pixels-blank": 1}
