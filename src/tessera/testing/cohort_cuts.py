"""The specification of a CohortEngine's cuts, as a test any implementation can inherit."""

from abc import abstractmethod
from pathlib import Path

from tessera.domain.cohort.exact import ExactSets
from tessera.domain.cohort.syntax import parse
from tessera.domain.statistics.cut import Cut, axis_of, steps_of
from tessera.ports.cohort_engine import CohortEngine
from tessera.testing.cohort_engine import HOSPITAL, write_version


class CutContract:
    """Inherit, and say how to make an engine that may read below `root`."""

    @abstractmethod
    def make(self, root: Path) -> CohortEngine: ...

    def test_a_cut_divides_the_subjects_into_cells(self, tmp_path: Path) -> None:
        cuts = {
            "cancer": Cut((axis_of("cancer"), axis_of("deceased"))),
            "survival": Cut((), steps_of("survival_days(0, 365, 400) until deceased")),
            "followed": Cut((axis_of("cancer"),), steps_of("survival_days(0, 400, 401)")),
            "age": Cut((axis_of("age_at_diagnosis(50, 60)"),)),
            "lacking": Cut((axis_of("er"),)),
        }
        engine = self.make(tmp_path)
        sets = engine.sets(
            write_version(tmp_path / "v1", HOSPITAL),
            parse("deceased is known or survival_days > 0"),
            key=b"key",
            cuts=cuts,
        )
        assert isinstance(sets, ExactSets)
        assert {
            name: {value: each.n for value, each in sets.cells[name].items()}
            for name in cuts
            if name in sets.cells
        } == {
            # B has two diagnoses, of different cancers and ages in one band.
            "cancer": {"prostate,yes": 1, "?,no": 1, "rectum,?": 1},
            "survival": {},  # of no one are both known
            "followed": {"rectum@0": 1, "rectum@400": 1},
            "age": {"50-<60": 1, ">=60": 1, "?": 1},
        }
