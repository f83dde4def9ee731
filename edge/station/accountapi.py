"""Signing in and out, and choosing a password: what the sign-in page asks."""

import logging
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge.clock import SECOND, Clock
from edge.station.gate import COOKIE, who_asks
from edge.station.office import Office
from edge.station.people import LIFE_NS, LockedError
from edge.station.wishes import wish

log = logging.getLogger(__name__)


def account_routes(office: Office, clock: Clock) -> list[Route]:
    """/api/me, /api/signin, /api/signout, /api/password."""

    async def sign_in(request: Request) -> Response:
        words = await wish(request)
        now_ns, address = clock.read().wall_ns, _address(request)
        name, password = str(words.get("name", "")), str(words.get("password", ""))
        try:
            token = await run_in_threadpool(office.people.sign_in, name, password, address, now_ns)
        except LockedError as err:
            return _locked(err)
        if token is None:
            log.warning("sign-in refused, from %s", address)
            return JSONResponse({"error": "the name or the password is wrong", "code": "wrong"}, 403)
        answer = JSONResponse({"signed_in": True})
        answer.set_cookie(
            COOKIE,
            token,
            max_age=LIFE_NS // SECOND,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def sign_out(request: Request) -> Response:
        session = who_asks(request).session
        if session is not None:
            office.people.sign_out(session, clock.read().wall_ns)
        answer = JSONResponse({"signed_in": False})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def password(request: Request) -> Response:
        words, session = await wish(request), who_asks(request).session
        if session is None:
            return JSONResponse({"error": "an open bench has no accounts"}, 400)
        old, new = str(words.get("old", "")), str(words.get("new", ""))
        address, now_ns = _address(request), clock.read().wall_ns
        try:
            right = await run_in_threadpool(office.people.change_password, session, old, new, address, now_ns)
        except LockedError as err:
            return _locked(err)
        if not right:
            return JSONResponse({"error": "the password until now is wrong", "code": "wrong"}, 403)
        return JSONResponse({"changed": True})

    return [
        Route("/api/me", _me(office)),
        Route("/api/signin", sign_in, methods=["POST"]),
        Route("/api/signout", sign_out, methods=["POST"]),
        Route("/api/password", password, methods=["POST"]),
    ]


def _me(office: Office) -> Callable[[Request], Response]:
    def me(request: Request) -> Response:
        who = who_asks(request)
        session = who.session
        return JSONResponse(
            {
                "open": office.open,
                "people": office.open or office.people.any(),
                "person": session.person.name if session else None,
                "roles": list(session.person.roles) if session else [],
                "rights": sorted(who.rights),
                "fresh": session.person.fresh if session else False,
                "csrf": session.csrf if session else "",
                "zone": office.habits.zone,
            }
        )

    return me


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _locked(err: LockedError) -> Response:
    told = {"error": str(err), "code": "locked", "wait_s": err.wait_s}
    return JSONResponse(told, 429, headers={"Retry-After": str(err.wait_s)})
