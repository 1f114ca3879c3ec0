"""Check what an ingest took in, from the index alone: no file is opened again."""

from collections.abc import Iterable, Sequence

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.report import QualityReport, run_checks
from tessera.domain.quality.selection import chosen_checks
from tessera.ports.instance_index import InstanceIndex

_OF_A_WHOLE_DATASET = ("Q-LNK-01", "Q-LNK-02", "Q-TAB", "Q-UNI-05", "Q-T1-06", "Q-T1-07", "Q-INT")
"""Checks that say nothing of one delivery, or that the ingest itself has made."""


def check_arrived(
    index: InstanceIndex, taken: Iterable[InstanceUid], records: Sequence[ClinicalRecord]
) -> QualityReport:
    """Return the report on the studies that instances of `taken` belong to, whole.

    `records` are the clinical records of the node; those of the subjects are compared.
    """
    studies = dict.fromkeys(row.study_uid for row in index.find(list(taken)).values())
    rows: list[InstanceRow] = [row for study in studies for row in index.of_study(study)]
    subjects = {row.subject for row in rows}
    known = [record for record in records if record.subject.subject in subjects]
    return run_checks(
        CheckInput(rows=rows, records=known or None), chosen_checks(skip=_OF_A_WHOLE_DATASET)
    )
