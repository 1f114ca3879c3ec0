"""Sets of subjects with their sketches, from names."""

from collections.abc import Iterable, Mapping

import numpy as np

from tessera.domain.cohort.exact import ExactCounts, ExactSet, ExactSets
from tessera.domain.cohort.sketch import Marks


def marked_sets(
    counts: ExactCounts,
    n_each: Mapping[str, int],
    bound: int,
    members: Mapping[str, Mapping[str, set[str]]],
    key: bytes,
) -> ExactSets:
    """`n_each`: every matching subject, and how many of the counted studies it has."""
    marks = Marks(key, n_each)
    places = {subject: place for place, subject in enumerate(n_each)}

    def set_of(subjects: Iterable[str]) -> ExactSet:
        found = np.array([places[subject] for subject in subjects], np.intp)
        return ExactSet(len(found), marks.sketch(found))

    weights = np.minimum(np.fromiter(n_each.values(), np.intp, len(n_each)), bound)
    with_study = np.flatnonzero(weights)
    weights = weights[with_study]
    return ExactSets(
        counts,
        subjects=set_of(n_each),
        study_subjects=ExactSet(len(with_study), marks.sketch(with_study)),
        studies=ExactSet(int(weights.sum()), marks.sketch(with_study, weights)),
        studies_each=bound,
        cells={
            name: {label: set_of(whose) for label, whose in cells.items()}
            for name, cells in members.items()
        },
    )
