"""The live page and what feeds it. Served on loopback; holds no state of its own."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge.clock import Clock
from edge.errors import ConfigError, DoorunitError, WireError
from edge.station import views
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.orders import Orders
from edge.wire import GARBLED, rfc3339

PAGE = Path(__file__).with_name("page")
LIMIT_MAX = 1000
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Bench(Protocol):
    """A simulated unit that the page may play with; a real station has none."""

    def state(self) -> dict[str, Any]:
        """unit, door, network, power, waves."""
        ...

    async def act(self, what: str, wish: dict[str, Any]) -> None:
        """what: door, network or power. Raises ConfigError, LinkError."""
        ...


def page_app(
    ledger: Ledger, frames: FrameStore, hub: Hub, clock: Clock, bench: Bench | None, orders: Orders | None = None
) -> Starlette:
    """The page at /, its data under /api. Without `orders` units are told nothing."""
    genuine = orders.genuine if orders else lambda _unit, _audit: False

    def doors(_request: Request) -> Response:
        return JSONResponse(
            {
                "now": rfc3339(clock.read().wall_ns),
                "doors": views.doors(ledger),
                "bench": bench.state() if bench else None,
            }
        )

    def events(request: Request) -> Response:
        query = request.query_params
        rows = ledger.records(
            unit=query.get("unit", ""),
            before_n=_number(query.get("before", "0"), "before"),
            limit=min(LIMIT_MAX, _number(query.get("limit", "200"), "limit")),
        )
        return JSONResponse({"events": [views.entry(ledger, row, genuine) for row in rows]})

    async def live(_request: Request) -> Response:
        return StreamingResponse(hub.listen(), media_type="text/event-stream")

    def frame(request: Request) -> Response:
        return Response(frames.open(request.path_params["name"]), media_type="image/jpeg")

    async def act(request: Request) -> Response:
        if bench is None:
            return JSONResponse({"error": "this station has no simulated unit"}, 404)
        await bench.act(request.path_params["what"], await _wish(request))
        hub.push("bench", bench.state())
        return JSONResponse(bench.state())

    async def order(request: Request) -> Response:
        if orders is None:
            return JSONResponse({"error": "this station gives no orders"}, 404)
        unit, what = request.path_params["unit"], request.path_params["what"]
        reply = await run_in_threadpool(orders.act, unit, what, await _wish(request))
        return JSONResponse({"done": reply.done, "said": reply.said})

    async def well(_request: Request) -> Response:
        return JSONResponse({"units": len(await run_in_threadpool(ledger.units))})

    return Starlette(
        routes=[
            Route("/api/doors", doors),
            Route("/api/events", events),
            Route("/api/live", live),
            Route("/api/health", well),
            Route("/api/frames/{name:str}.jpg", frame),
            Route("/api/bench/{what:str}", act, methods=["POST"]),
            Route("/api/orders/{unit:str}/{what:str}", order, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guard)],
        exception_handlers={ConfigError: _refuse, WireError: _refuse, ClientDisconnect: _refuse, DoorunitError: _fail},
    )


def _number(text: str, name: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    raise ConfigError(
        f"parameter {name}", found=repr(text), wanted="a whole number", remedy="Leave it out for the default."
    )


async def _wish(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body(), type=dict[str, str | bool])
    except GARBLED as err:
        wanted = "a JSON object of words and of true or false"
        raise ConfigError("request", found=err, wanted=wanted, remedy="See the page's own requests.") from err


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Only same-site requests may act, and every answer carries the page's policy."""
    if request.method == "POST" and request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return JSONResponse({"error": "only the station's own page may do this"}, 403)
    answer = await go_on(request)
    answer.headers.update(_HEADERS)
    return answer


def _refuse(_request: Request, err: Exception) -> Response:
    return JSONResponse({"error": str(err)}, 400)


def _fail(_request: Request, err: Exception) -> Response:
    return JSONResponse({"error": str(err)}, 503)
