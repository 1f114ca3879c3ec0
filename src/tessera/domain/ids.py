"""Typed identifiers. A UID here is always the replaced one unless it is inside `Identified`."""

import re
from typing import NewType

from tessera.domain.errors import InvalidInput

StudyUid = NewType("StudyUid", str)
SeriesUid = NewType("SeriesUid", str)
InstanceUid = NewType("InstanceUid", str)
Pseudonym = NewType("Pseudonym", str)
"""Stands for one subject within one project: a prefix, a hyphen, 16 base32 characters."""
DatasetId = NewType("DatasetId", str)
"""Lower-case letters, digits and hyphens; unique within a node."""
NodeId = NewType("NodeId", str)
"""Lower-case letters, digits and hyphens; unique within a hub."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def dataset_id(text: str) -> DatasetId:
    """Parse a dataset id. Raises InvalidInput."""
    return DatasetId(_slug(text, "dataset id"))


def node_id(text: str) -> NodeId:
    """Parse a node id. Raises InvalidInput."""
    return NodeId(_slug(text, "node id"))


def _slug(text: str, what: str) -> str:
    if not _SLUG.fullmatch(text):
        raise InvalidInput(
            f"{what} {text!r}: use 1 to 63 lower-case letters, digits and hyphens, "
            "starting and ending with a letter or digit"
        )
    return text
