"""Why a DICOMweb request is not answered as asked: what no other error says."""

from tessera.domain.errors import InvalidInput


class NotAcceptable(InvalidInput):
    """No media type or transfer syntax that was asked for can be given."""

    code = "not-acceptable"
    public = "None of the media types asked for can be given."


class UnsupportedMedia(InvalidInput):
    """The body is of a kind that is not taken here."""

    code = "unsupported-media"
    public = "The body is of a kind that is not taken here."
