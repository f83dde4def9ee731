"""The resident's own page, behind the QR code that hangs inside the flat: "I am about to open my door".

It needs no account: whoever stands before the code may use it. It tells nothing of the door and changes one thing, by a
signed `visit`: one opening within ANNOUNCED_MIN is expected. The opening is recorded and told all the same.
"""

import base64
import hashlib
import hmac

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from edge.clock import SECOND, Clock
from edge.station.audit import Act
from edge.station.ca import Authority
from edge.station.office import Office
from edge.station.orders import Orders
from edge.station.pages import PAGE

ANNOUNCED_MIN = 10
AGAIN_NS = 60 * SECOND  # one announcement a minute: each is a command to the unit
WHO = "(resident)"  # in the audit; no account can have it


def code(ca: Authority, unit: str) -> str:
    """What stands in a unit's QR code: 80 bits that only this station can make, the same each time."""
    signed = ca.sign_command(b"doorunit.resident.1:" + unit.encode())
    return base64.b32encode(hashlib.sha256(signed).digest()[:10]).decode().lower()


def address(ca: Authority, base: str, unit: str) -> str:
    """What the QR code says; `base` is where phones reach the page, as https://host:port."""
    return f"{base.rstrip('/')}/go/{unit}/{code(ca, unit)}"


def resident_routes(ca: Authority, orders: Orders, office: Office, clock: Clock) -> list[Route]:
    """The page, and what its button asks for."""
    announced: dict[str, int] = {}

    def is_right(request: Request) -> bool:
        unit, given = request.path_params["unit"], request.path_params["code"]
        known = unit in ca.known.units()
        return hmac.compare_digest(given.encode(), code(ca, unit).encode()) and known

    async def page(request: Request) -> Response:
        if not await run_in_threadpool(is_right, request):
            return JSONResponse({"error": "no such code"}, 404)
        return FileResponse(PAGE / "resident.html")

    async def announce(request: Request) -> Response:
        if not await run_in_threadpool(is_right, request):
            return JSONResponse({"error": "no such code"}, 404)
        unit, now_ns = request.path_params["unit"], clock.read().wall_ns
        if 0 <= now_ns - announced.get(unit, -AGAIN_NS) < AGAIN_NS:
            return JSONResponse({"error": "announced less than a minute ago", "code": "again"}, 429)
        announced[unit] = now_ns
        await run_in_threadpool(office.trail.write, now_ns, WHO, Act.ORDERED, unit=unit, subject="visit")
        wish = {"kind": "resident", "minutes": str(ANNOUNCED_MIN), "openings": "1"}
        reply = await run_in_threadpool(orders.act, unit, "visit", wish)
        return JSONResponse({"done": reply.done, "minutes": ANNOUNCED_MIN})

    return [
        Route("/go/{unit:str}/{code:str}", page),
        Route("/api/go/{unit:str}/{code:str}", announce, methods=["POST"]),
    ]
