"""What pages and REST may ask of trainings and models, together."""

from dataclasses import dataclass

from tessera.hub.access import Access
from tessera.hub.learning import Learnings
from tessera.hub.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    learnings: Learnings
    models: Models
    access: Access
