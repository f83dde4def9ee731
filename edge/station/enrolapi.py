"""Where units enrol: POST /v1/enrol over HTTPS on a port of its own, the one that asks for no client certificate.

Whoever reaches the port may ask, so a question is short, an address asks only so often, and nothing is promised.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge.clock import SECOND, Clock
from edge.errors import DoorunitError, PartError, WireError
from edge.onsite.forms import ASKING_MAX_BYTES, ENROL, Asking, Granted, Refused, Waiting
from edge.station.desk import Desk
from edge.wire import GARBLED

log = logging.getLogger(__name__)

BODY_WITHIN_S = 10
BURST = 100  # a box of fifty units behind one address, each asking twice
PER_S = 2
ADDRESSES_MAX = 1024
_STATUS = {Granted: 200, Waiting: 202, Refused: 403}


class Limiter:
    """How often each address may ask: BURST at once, then PER_S a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, int]] = {}  # address -> questions left, at this boot_ns; oldest first

    def allows(self, address: str) -> bool:
        """Whether it may ask now; that counts as asking."""
        now_ns = self._clock.now()
        left, at_ns = self._left.pop(address, (float(BURST), now_ns))
        left = min(float(BURST), left + (now_ns - at_ns) / SECOND * PER_S)
        while len(self._left) >= ADDRESSES_MAX:
            del self._left[next(iter(self._left))]
        self._left[address] = (max(0.0, left - 1), now_ns)
        return left >= 1


def enrol_app(desk: Desk, clock: Clock) -> Starlette:
    """POST /v1/enrol: 200 Granted, 202 Waiting, 403 Refused."""
    limiter = Limiter(clock)

    async def enrol(request: Request) -> Response:
        address = request.client.host if request.client else ""
        if not limiter.allows(address):
            return JSONResponse({"error": "too often"}, 429, {"Retry-After": "60"})
        return await answer(request, lambda asking: desk.ask(asking, address))

    return Starlette(routes=[Route(ENROL, enrol, methods=["POST"])], exception_handlers={ClientDisconnect: _cut})


async def answer(request: Request, ask: Callable[[Asking], Granted | Waiting | Refused]) -> Response:
    """What `ask`, in a thread of its own, says to the question in `request`."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            raw = await _body(request)
    except TimeoutError:
        return JSONResponse({"error": "the question did not come"}, 408)
    if raw is None:
        return JSONResponse({"error": f"a question may have {ASKING_MAX_BYTES} bytes"}, 413)
    try:
        told = await run_in_threadpool(ask, msgspec.json.decode(raw, type=Asking))
    except GARBLED as err:
        return JSONResponse({"error": f"found {err}; want a question of schema 1"}, 400)
    except WireError as err:
        return JSONResponse({"error": str(err)}, 400)
    except DoorunitError as err:
        log.error("%s", err)  # noqa: TRY400 - the sentence says it all
        return JSONResponse({"error": "the station cannot answer now"}, 507 if isinstance(err, PartError) else 503)
    return Response(msgspec.json.encode(told), _STATUS[type(told)], media_type="application/json")


async def _body(request: Request) -> bytes | None:
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > ASKING_MAX_BYTES:
            return None
    return raw


def _cut(_request: Request, _err: Exception) -> Response:
    """The unit's network went within its question: nobody is left to read this."""
    return JSONResponse({"error": "the connection ended within the question"}, 400)
