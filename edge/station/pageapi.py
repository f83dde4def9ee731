"""The live page and what feeds it; holds no state of its own. The gate stands before all of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge.clock import SECOND, Clock
from edge.errors import ConfigError, DoorunitError, WireError
from edge.station import views
from edge.station.accountapi import account_routes
from edge.station.audit import Act
from edge.station.frames import FrameStore
from edge.station.gate import Gate, Who, who_asks
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.office import Office
from edge.station.orders import Orders
from edge.station.pages import PAGE, page_routes
from edge.station.teamapi import team_routes
from edge.station.wishes import whole, wish
from edge.wire import rfc3339

LIMIT_MAX = 1000
CHECK_NS = 5 * SECOND  # how soon a stream ends after its session: a removed person's, a day that is over
SEEN_BY_ALL = ("backlog", "clock", "link")  # what a door's card shows of a pulse; the rest is the technician's
_NEEDS = {"record": "events", "attended": "events", "frame": "pictures", "door": "doors", "bench": "bench"}


class Bench(Protocol):
    """A simulated unit that the page may play with; a real station has none."""

    def state(self) -> dict[str, Any]:
        """unit, door, network, power, waves."""
        ...

    async def act(self, what: str, wish: dict[str, Any]) -> None:
        """what: door, network or power. Raises ConfigError, LinkError."""
        ...


def page_app(
    ledger: Ledger,
    frames: FrameStore,
    hub: Hub,
    clock: Clock,
    bench: Bench | None,
    office: Office,
    orders: Orders | None = None,
    more: Sequence[Route] = (),
) -> Starlette:
    """The page at /, its data under /api. Without `orders` units are told nothing. more: other pages."""
    genuine = orders.genuine if orders else lambda _unit, _audit: False
    gate = Gate(office, clock)

    def doors(request: Request) -> Response:
        who = who_asks(request)
        return JSONResponse(
            {
                "now": rfc3339(clock.read().wall_ns),
                "doors": [shown(who, "door", door) for door in views.doors(ledger)],
                "bench": bench.state() if bench and "bench" in who.rights else None,
            }
        )

    def events(request: Request) -> Response:
        query = request.query_params
        rows = ledger.records(
            unit=query.get("unit", ""),
            before_n=whole(query.get("before", "0"), "before"),
            limit=min(LIMIT_MAX, whole(query.get("limit", "200"), "limit")),
        )
        return JSONResponse({"events": [views.entry(ledger, row, genuine) for row in rows]})

    async def live(request: Request) -> Response:
        return StreamingResponse(live_stream(hub, gate, clock, who_asks(request)), media_type="text/event-stream")

    def frame(request: Request) -> Response:
        name = request.path_params["name"]
        jpeg = frames.open(name)
        picture = ledger.frame(name)
        if picture is not None:  # nobody sees what could not be written down
            office.trail.looked(clock.read().wall_ns, who_asks(request).name, picture.unit, name)
        return Response(jpeg, media_type="image/jpeg")

    async def act(request: Request) -> Response:
        if bench is None:
            return JSONResponse({"error": "this station has no simulated unit"}, 404)
        await bench.act(request.path_params["what"], await wish(request))
        hub.push("bench", bench.state())
        return JSONResponse(bench.state())

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
            _orders(orders, office, clock),
            *account_routes(office, clock),
            *team_routes(office, clock, hub),
            *page_routes(),
            *more,
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=gate.dispatch)],
        exception_handlers={ConfigError: _refuse, WireError: _refuse, ClientDisconnect: _refuse, DoorunitError: _fail},
    )


def _orders(orders: Orders | None, office: Office, clock: Clock) -> Route:
    async def order(request: Request) -> Response:
        if orders is None:
            return JSONResponse({"error": "this station gives no orders"}, 404)
        unit, what = request.path_params["unit"], request.path_params["what"]
        words = await wish(request)
        now_ns, name = clock.read().wall_ns, who_asks(request).name
        said = ", ".join(f"{key} {value}" for key, value in sorted(words.items()))
        await run_in_threadpool(office.trail.write, now_ns, name, Act.ORDERED, unit=unit, subject=what, detail=said)
        reply = await run_in_threadpool(orders.act, unit, what, words)
        return JSONResponse({"done": reply.done, "said": reply.said})

    return Route("/api/orders/{unit:str}/{what:str}", order, methods=["POST"])


def shown(who: Who, event: str, data: Any) -> Any:
    """What this person sees of what happened, or None."""
    if _NEEDS.get(event) not in who.rights:
        return None
    if event == "door" and "health" not in who.rights and data["pulse"] is not None:
        return data | {"pulse": {key: data["pulse"][key] for key in SEEN_BY_ALL if key in data["pulse"]}}
    return data


async def live_stream(hub: Hub, gate: Gate, clock: Clock, who: Who) -> AsyncIterator[str]:
    """What happens, for one person, until the page goes away or the session is over."""
    checked_ns = clock.now()
    async with aclosing(hub.listen(lambda event, data: shown(who, event, data))) as messages:
        async for message in messages:
            if clock.now() - checked_ns > CHECK_NS:
                if not await run_in_threadpool(gate.alive, who):
                    return
                checked_ns = clock.now()
            yield message


def _refuse(_request: Request, err: Exception) -> Response:
    return JSONResponse({"error": str(err)}, 400)


def _fail(_request: Request, err: Exception) -> Response:
    return JSONResponse({"error": str(err)}, 503)
