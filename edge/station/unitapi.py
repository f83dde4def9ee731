"""What units send by HTTPS: sealed frames, wishes for a new certificate, and more: see postapi.py.

Mutual TLS; the certificate's name must be the unit in the address, and it must not be revoked.
"""

import logging
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge.errors import ConfigError, FullError, PartError, WireError
from edge.station.desk import Desk
from edge.station.enrolapi import answer
from edge.station.frames import FrameStore

log = logging.getLogger(__name__)

FRAME_MAX_BYTES = 8_000_000
PEER = "doorunit.peer"  # key in the ASGI scope: (common name, sha256 in hex) of the client's certificate


def unit_app(frames: FrameStore, desk: Desk, more: Sequence[Route] = ()) -> Starlette:
    """PUT /v1/units/<unit>/frames/<sha256>: 201 kept, 200 was here already. POST /v1/units/<unit>/certificate.

    GET /v1/units/<unit>/frames/<sha256>: {"opened": true, "width", "height"}; 404 unknown, 422 it cannot be opened.
    """

    async def put(request: Request) -> Response:
        unit, name = request.path_params["unit"], request.path_params["name"]
        refused = await run_in_threadpool(refusal, request, desk)
        if refused is not None:
            return refused
        sealed = await body_of(request, FRAME_MAX_BYTES)
        if sealed is None:
            return no(413, f"a frame may have {FRAME_MAX_BYTES} bytes")
        try:
            new = await run_in_threadpool(frames.put, unit, name, sealed)
        except WireError as err:
            log.warning("%s", err)
            return no(422, str(err))
        except PartError as err:
            log.error("%s", err)  # noqa: TRY400 - the sentence says it all
            return no(507 if isinstance(err, FullError) else 503, str(err))
        return JSONResponse({"stored": name}, 201 if new else 200)

    def read_back(request: Request) -> Response:
        return refusal(request, desk) or _opened(frames, request.path_params["unit"], request.path_params["name"])

    async def renew(request: Request) -> Response:
        refused = await run_in_threadpool(refusal, request, desk)
        unit = request.path_params["unit"]
        return refused or await answer(request, lambda asking: desk.renew(unit, asking))

    return Starlette(
        routes=[
            Route("/v1/units/{unit:str}/frames/{name:str}", put, methods=["PUT"]),
            Route("/v1/units/{unit:str}/frames/{name:str}", read_back, methods=["GET"]),
            Route("/v1/units/{unit:str}/certificate", renew, methods=["POST"]),
            *more,
        ],
        exception_handlers={ClientDisconnect: _cut},
    )


def refusal(request: Request, desk: Desk) -> Response | None:
    """403 where the certificate is not the unit's in the address, or is revoked. Blocks."""
    unit, (name, fingerprint) = request.path_params["unit"], request.scope.get(PEER) or ("", "")
    if name != unit:
        return no(403, f"the certificate is of {name or None}, the address of {unit}")
    if desk.known.refused(fingerprint):
        return no(403, f"this certificate of {unit} is revoked")
    return None


def _opened(frames: FrameStore, unit: str, name: str) -> Response:
    """Whether this station can open the unit's own picture; nothing of it is told but its size."""
    try:
        width, height = frames.size(unit, name)
    except ConfigError as err:
        return no(404, str(err))
    except (WireError, PartError) as err:
        log.warning("%s", err)
        return JSONResponse({"opened": False, "error": str(err)}, 422 if isinstance(err, WireError) else 503)
    return JSONResponse({"opened": True, "width": width, "height": height})


async def body_of(request: Request, most_bytes: int) -> bytes | None:
    """The whole body; None where it is larger. Raises ClientDisconnect."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_bytes:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _cut(_request: Request, _err: Exception) -> Response:
    """The unit's network went within a body: an everyday thing, and nobody is left to read this."""
    return no(400, "the connection ended within the body")


def no(status: int, why: str) -> Response:
    """An answer that says why not."""
    return JSONResponse({"error": why}, status)


def peer_name(certificate: dict[str, Any]) -> str:
    """The common name in what ssl's getpeercert() returns."""
    names = [value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"]
    return names[0] if len(names) == 1 else ""
