"""Wire the description of a node's patient: the clinical records, the opt-outs, the hub's name."""

from pathlib import Path

from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.datasets import clinical_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, open_node
from tessera.domain.access.exclusions import subject_of
from tessera.domain.clinical.record_json import record_from_json
from tessera.domain.errors import Conflict, NotFound
from tessera.domain.ids import Pseudonym
from tessera.domain.statistics.described import described
from tessera.domain.zones import Identified
from tessera.http.viewer.similar import DescribedPatient


def describe_patient(home: Path, patient: Identified[str], *, issuer: str = "") -> DescribedPatient:
    """Describe a patient by the hospital's identifier or the pseudonym.

    Raises NotFound when nothing is known of a cancer, Conflict when they have opted out.
    """
    node = open_node(home)
    found = patient_of(node, subject_of(patient, issuer, node.pseudonymiser()))
    if found.is_out:
        raise Conflict("this patient has opted out; nothing is asked with their record")
    if not found.descriptions:
        raise NotFound("the node has no clinical record with a cancer of this patient")
    return found


def patient_of(node: Node, subject: str) -> DescribedPatient:
    """Describe a subject; without a word when they have opted out or nothing is known."""
    pseudonym = Pseudonym(subject)
    if pseudonym in exclusions_of(node.home).excluded():
        return DescribedPatient(is_out=True)
    text = clinical_store(node).existing([pseudonym]).get(pseudonym)
    pin = LinkFolder(node.link).pin() if node.link.exists() else None
    return DescribedPatient(
        descriptions=described(record_from_json(text)) if text else (),
        hub_url=pin.hub_url if pin else "",
    )
