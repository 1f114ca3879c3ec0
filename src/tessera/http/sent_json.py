"""The JSON body of a request."""

import json

from starlette.requests import Request

from tessera.domain.errors import InvalidInput


async def sent_json(request: Request) -> object:
    """Return the body. Raises InvalidInput, TooLarge."""
    sent = await request.body()
    try:
        body: object = json.loads(sent)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON") from None
    return body
