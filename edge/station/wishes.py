"""What pages ask in a request's body and address, read strictly. Raises ConfigError with what was wanted."""

import msgspec
from starlette.requests import Request

from edge.errors import ConfigError
from edge.wire import GARBLED

BODY_MOST_BYTES = 20_000
Wish = dict[str, str | bool]


async def wish(request: Request) -> Wish:
    """A flat JSON object; no more than BODY_MOST_BYTES of it are read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MOST_BYTES:
            raise ConfigError(
                "request",
                found=f"more than {BODY_MOST_BYTES} bytes",
                wanted="a short JSON object",
                remedy="See the page's own requests.",
            )
    try:
        return msgspec.json.decode(body, type=Wish)
    except GARBLED as err:
        wanted = "a JSON object of words and of true or false"
        raise ConfigError("request", found=err, wanted=wanted, remedy="See the page's own requests.") from err


def whole(text: str, name: str) -> int:
    """A parameter that is a number."""
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    raise ConfigError(
        f"parameter {name}", found=repr(text), wanted="a whole number", remedy="Leave it out for the default."
    )
