"""What a query found, with sketches of whom: what the gate needs for numbers that stay."""

from collections.abc import Mapping, Sequence

import numpy as np

from tessera.adapters.columns.crossed import crossed
from tessera.adapters.columns.evaluate import Evaluation, has_field
from tessera.adapters.columns.sets import Bits, booleans_of
from tessera.adapters.columns.version import Version
from tessera.domain.cohort.exact import ExactCounts, ExactSet, ExactSets
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.query import Expression
from tessera.domain.cohort.sketch import Marks
from tessera.domain.statistics.cut import Cut


def marked_sets(
    evaluation: Evaluation,
    version: Version,
    where: Expression,
    among: Bits,
    *,
    key: bytes,
    by: Sequence[str],
    cuts: Mapping[str, Cut],
    least_subjects: int,
) -> ExactSets:
    """Return the sets of those of `among` for whom it holds; see the port."""
    marks = version.marks(key)
    matching = evaluation.subjects(where) & among
    subjects = _set(matching, version, marks)
    n_each = np.bincount(evaluation.study_owners(where, matching), minlength=1)
    with_study = np.flatnonzero(n_each)
    weights = np.minimum(n_each[with_study], version.studies_each)
    cells: dict[str, dict[str, ExactSet]] = {}
    for field in (FIELDS[name] for name in by):
        if has_field(version, field, least_subjects):
            labels, owners = version.distributed(field)
            each = owners.each(matching)[1:]
            cells[field.name] = {
                label: _set(bits, version, marks) for label, bits in zip(labels, each, strict=True)
            }
    for name, cut in cuts.items():
        if all(has_field(version, FIELDS[one], least_subjects) for one in cut.fields):
            cells[name] = crossed(version, cut, matching, marks)
    return ExactSets(
        ExactCounts(subjects.n, int(n_each.sum()), len(with_study)),
        subjects=subjects,
        study_subjects=ExactSet(len(with_study), marks.sketch(with_study)),
        studies=ExactSet(int(weights.sum()), marks.sketch(with_study, weights)),
        studies_each=version.studies_each,
        cells=cells,
    )


def _set(bits: Bits, version: Version, marks: Marks) -> ExactSet:
    places = np.flatnonzero(booleans_of(bits, version.n_subjects))
    return ExactSet(len(places), marks.sketch(places))
