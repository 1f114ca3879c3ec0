"""Whose an instance is: the pseudonym by its header. Pure."""

from tessera.domain.deid.pseudonyms import Pseudonymiser, same_person
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.header import Header


def subject_of(header: Header, pseudonymiser: Pseudonymiser) -> Pseudonym:
    """Return the pseudonym; `header` needs PatientID, its issuer, and StudyInstanceUID.

    Without a patient id, one person per study is all that can be known; linkage will find no
    clinical row.
    """
    patient_id, issuer = header.text(0x00100020), header.text(0x00100021)
    if not same_person(patient_id):
        patient_id, issuer = header.text(0x0020000D), "study without patient id"
    return pseudonymiser.pseudonym(patient_id, issuer)
