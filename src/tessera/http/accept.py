"""Which of the forms on offer a caller wants (RFC 9110 section 12.5.1). Pure."""

from collections.abc import Sequence


def preferred(accept: str, offers: Sequence[str]) -> str:
    """Return the offer with the highest weight, the first of equals; the first when none fits."""
    weights = [_weight(accept, offer) for offer in offers]
    best = max(weights)
    return offers[weights.index(best)] if best > 0 else offers[0]


def _weight(accept: str, offer: str) -> float:
    main = offer.split("/")[0]
    found = (0, 1.0) if not accept.strip() else (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        ranks = {"*/*": 0, f"{main}/*": 1, offer: 2}
        rank = ranks.get(name.lower(), -1)
        if rank > found[0]:
            found = (rank, _quality(parameters))
    return found[1]


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
