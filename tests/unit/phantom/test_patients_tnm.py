"""The TNM of a made-up patient is one that the 8th edition puts into the patient's stage."""

import re

from tessera.domain.quality.staging import agrees, grade_group_of, possible_stage_groups
from tessera.phantom.locale import load_locale
from tessera.phantom.patients import make_patients


def test_the_tnm_goes_with_the_stage() -> None:
    n_tabled = 0
    for one in make_patients(4, "site", load_locale("sv"), 1500):
        cancer = one.cancer
        if cancer is None:
            continue
        categories = re.fullmatch(r"c(T\d)(N\d)(M\d)", cancer.tnm)
        assert categories, cancer.tnm
        t, n, m = categories.groups()
        assert (m == "M1") == (cancer.stage == "IV")
        grade = grade_group_of(None, *(cancer.gleason or ()))
        groups = possible_stage_groups(
            cancer.concept, 8, t, n, m, cancer.psa, grade, basis="clinical"
        )
        if groups:
            n_tabled += 1
            assert agrees(cancer.stage, groups), (cancer.concept, cancer.stage, cancer.tnm, groups)
    assert n_tabled > 1000
