"""What may be asked of the terminology and is not there."""

from tessera.domain.errors import NotFound


class UnknownGroup(NotFound):
    """The terminology has no group of this name."""

    code = "unknown-term-group"
    public = "The terminology has no such group."


class UnknownConcept(NotFound):
    """The group has no concept of this name."""

    code = "unknown-concept"
    public = "The terminology has no such concept."


class UnknownVersion(NotFound):
    """There is no migration table from this version of the terminology."""

    code = "unknown-terminology-version"
    public = "The terminology has no such version."
