"""What units post where MQTT is blocked: edge/posting.py's paths, into the same ledger as what comes off the broker."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import posting
from edge.errors import FullError, PartError, WireError
from edge.station.desk import Desk
from edge.station.mailbox import Mailbox
from edge.station.receiver import Receiver, says_online
from edge.station.unitapi import body_of, no, refusal

log = logging.getLogger(__name__)

COMMIT_S = 15  # a unit waits a little longer for its answer


def post_routes(receiver: Receiver, mailbox: Mailbox, desk: Desk) -> list[Route]:
    """POST events: 200 and the receipt. PUT online, state, pulse, POST reply: 204. GET commands: 200.

    400: no batch; 413: too large; 422: not what the wire has; 503, 507: the ledger takes nothing now.
    """
    api = _Api(receiver, mailbox, desk)
    return [
        Route(posting.path("{unit:str}", "events"), api.events, methods=["POST"]),
        Route(posting.path("{unit:str}", "commands"), api.commands, methods=["GET"]),
        *map(api.leaf, ("online", "state", "pulse", "reply")),
    ]


class _Api:
    def __init__(self, receiver: Receiver, mailbox: Mailbox, desk: Desk) -> None:
        self._receiver = receiver
        self._mailbox = mailbox
        self._desk = desk

    async def events(self, request: Request) -> Response:
        unit = request.path_params["unit"]
        body, refused = await self._let_in(request, posting.BATCH_MAX_BYTES)
        if refused is not None:
            return refused
        try:
            answer = self._receiver.hand_in(unit, posting.unpack(body))
            told = await asyncio.wait_for(asyncio.wrap_future(answer), COMMIT_S)
        except WireError as err:
            log.warning("%s: %s", unit, err)
            return no(400, str(err))
        except TimeoutError:
            return no(503, "the ledger is busy")
        except PartError as err:
            return no(507 if isinstance(err, FullError) else 503, str(err))
        return _json(posting.to_json(told))

    async def commands(self, request: Request) -> Response:
        refused = await run_in_threadpool(refusal, request, self._desk)
        if refused is not None:
            return refused
        asked = request.query_params
        wait = asked.get("wait", "0")
        if not (wait.isascii() and wait.isdigit() and len(wait) < 4):
            return no(400, "wait is a whole number of seconds")
        waiting = await self._mailbox.ask(request.path_params["unit"], asked.get("after", ""), int(wait))
        return _json(posting.to_json(waiting))

    def leaf(self, name: str) -> Route:
        """The path of one of the small messages."""

        async def told(request: Request) -> Response:
            unit = request.path_params["unit"]
            body, refused = await self._let_in(request, posting.TOLD_MAX_BYTES)
            if refused is not None:
                return refused
            try:
                self._receiver.told(unit, name, body)
            except WireError as err:
                log.warning("%s", err)
                return no(422, str(err))
            if name == "online" and not says_online(body):
                self._mailbox.leave(unit)
            return Response(status_code=204)

        return Route(posting.path("{unit:str}", name), told, methods=[posting.METHODS[name]])

    async def _let_in(self, request: Request, most_bytes: int) -> tuple[bytes, Response | None]:
        refused = await run_in_threadpool(refusal, request, self._desk)
        if refused is not None:
            return b"", refused
        body = await body_of(request, most_bytes)
        return (b"", no(413, f"{most_bytes} bytes at most")) if body is None else (body, None)


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSONResponse.media_type)
