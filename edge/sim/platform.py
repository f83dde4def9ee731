"""A platform of another make, in one process: broker, receiver and frames, right or wrong by a switch.

It holds what it is sent in memory alone. Made for `doorunit wire check`, which must name each of its faults.
"""

import hashlib
import json
import ssl
import threading
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from edge import wire
from edge.clock import SECOND, SystemClock
from edge.sim.mqttd import Manners, Mqttd

KINDS = {"event", "frames", "anchor", "gap", "boot", "audit", "alarm"}
FIELDS = {"kind", "epoch", "seq", "at", "change", "door", "reason", "records", "of", "seqs", "edges", "settle_us"}
BACKLOG_MOST = 300  # what a platform with DROPS_BACKLOG takes


class Fault(StrEnum):
    """What this platform does wrong."""

    ASKS_NO_CERTIFICATE = "asks_no_certificate"
    LETS_ALL_WRITE = "lets_all_write"
    KEEPS_NOTHING = "keeps_nothing"  # no retained messages, and says so
    NO_WILL = "no_will"
    NO_RECEIPT = "no_receipt"
    LATE_RECEIPT = "late_receipt"
    OTHER_EPOCH = "other_epoch"
    OTHER_SEQ = "other_seq"
    PLAIN_SEQS = "plain_seqs"  # [1, 2, 3] in place of ranges
    ONCE_ONLY = "once_only"  # a duplicate gets no receipt
    GENEROUS = "generous"  # a receipt for the next record too
    BELIEVES_ANY_ID = "believes_any_id"
    NOTHING_NEW = "nothing_new"  # a record with a field it does not know gets no receipt
    FATAL_KIND = "fatal_kind"  # a record of a kind it does not know ends the connection
    IN_ORDER_ONLY = "in_order_only"
    DROPS_BACKLOG = "drops_backlog"
    WAITS_FOR_GAPS = "waits_for_gaps"
    UNSIGNED_COMMAND = "unsigned_command"
    FRAME_REFUSED = "frame_refused"
    FRAME_UNNAMED = "frame_unnamed"  # any bytes under any name
    FRAME_UNSIGNED = "frame_unsigned"
    FRAME_ONCE = "frame_once"  # the same frame again is refused
    FRAME_OF_ANYBODY = "frame_of_anybody"
    POST_OF_ANYBODY = "post_of_anybody"
    REFUSES_POSTS = "refuses_posts"
    PLAIN_COMMANDS = "plain_commands"  # a list in place of {next, commands}


class Keys(msgspec.Struct, frozen=True):
    """What the platform is, as PEM files, and how it checks and signs."""

    ca: str
    certificate: str
    key: str
    receiver: str  # the common name that may read all
    genuine: Callable[[str, bytes], bool]  # (unit, sealed frame)
    sign: Callable[[bytes], bytes]


class FakePlatform:
    """Listens on loopback from its making until `close`. late_s: how late a LATE_RECEIPT is."""

    def __init__(self, keys: Keys, *faults: Fault, late_s: float = 1.0, speaks_5: bool = True) -> None:
        self.faults = frozenset(faults)
        self._keys = keys
        self._late_s = late_s
        self._held: dict[str, set[tuple[str, int]]] = {}
        self._highest: dict[str, int] = {}
        self._stuck = False
        self._frames: set[str] = set()
        self._lock = threading.Lock()
        self.broker = Mqttd(self._context(), self._manners(speaks_5), self._heard)
        self._web = _Server(("127.0.0.1", 0), partial(_Desk, self))
        self._web.socket = self._context().wrap_socket(
            self._web.socket, server_side=True, do_handshake_on_connect=False
        )
        self.web_port = self._web.server_port
        self._thread = threading.Thread(target=self._web.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more; safe to repeat."""
        self._web.shutdown()
        self._web.server_close()
        self._thread.join(5)
        self.broker.close()

    def frame(self, peer: str, unit: str, name: str, sealed: bytes) -> tuple[int, dict[str, Any]]:
        """(status, answer) to a frame."""
        faults = self.faults
        unasked = peer == "" and Fault.ASKS_NO_CERTIFICATE in faults
        if peer != unit and not unasked and Fault.FRAME_OF_ANYBODY not in faults:
            return 403, {"error": "another unit's certificate"}
        if Fault.FRAME_REFUSED in faults:
            return 415, {"error": "want image/jpeg"}
        if hashlib.sha256(sealed).hexdigest() != name and Fault.FRAME_UNNAMED not in faults:
            return 422, {"error": "another sha256"}
        if not {Fault.FRAME_UNSIGNED, Fault.FRAME_UNNAMED} & faults and not self._keys.genuine(unit, sealed):
            return 422, {"error": "a signature that is not the unit's"}
        again = name in self._frames
        if again and Fault.FRAME_ONCE in faults:
            return 409, {"error": "it is here already"}
        self._frames.add(name)
        return (200 if again else 201), {"stored": name}

    def events(self, peer: str, unit: str, batch: bytes) -> tuple[int, Any]:
        """(status, answer) to a batch of records."""
        if peer != unit and Fault.POST_OF_ANYBODY not in self.faults:
            return 403, {"error": "another unit's certificate"}
        told = [self._take(unit, msgspec.json.encode(one)) for one in msgspec.json.decode(batch)]
        receipts = [one for one in told if one is not None]
        if not receipts:  # as our own station answers
            return 200, {"epoch": "", "stored": [], "refused": [{"index": 0, "error": "nothing of it can be used"}]}
        if Fault.NO_RECEIPT in self.faults:
            return 204, {}
        return 200, {"epoch": receipts[0]["epoch"], "stored": [pair for one in receipts for pair in one["stored"]]}

    def told(self, leaf: str) -> tuple[int, Any]:
        """(status, answer) to online, state, pulse or reply."""
        return (405, {"error": f"no {leaf}"}) if Fault.REFUSES_POSTS in self.faults else (204, None)

    def commands(self, unit: str) -> tuple[int, Any]:
        """(status, answer) to a question for commands: always the same greeting."""
        waiting = [json.loads(self._greeting(unit))]
        return 200, waiting if Fault.PLAIN_COMMANDS in self.faults else {"next": "1", "commands": waiting}

    def _heard(self, name: str, topic: str, payload: bytes) -> None:
        _, _, unit, leaf = topic.split("/", 3)
        if leaf == "online" and b"true" in payload:
            self.broker.publish(wire.topic(unit, "command"), self._greeting(unit))
        if leaf != "event" or Fault.NO_RECEIPT in self.faults:
            return
        with self._lock:
            told = self._take(unit, payload)
        if told is None:
            if Fault.FATAL_KIND in self.faults and _kind(payload) not in KINDS:
                self.broker.put_off(name)
            return
        say = partial(self.broker.publish, wire.topic(unit, "receipt"), json.dumps(told).encode())
        if Fault.LATE_RECEIPT in self.faults:
            timer = threading.Timer(self._late_s, say)
            timer.daemon = True
            timer.start()
        else:
            say()

    def _greeting(self, unit: str) -> bytes:
        """A command that asks for its pulse; with UNSIGNED_COMMAND the signature is of other bytes."""
        wrong, now_ns = Fault.UNSIGNED_COMMAND in self.faults, SystemClock().read().wall_ns
        times = (wire.rfc3339(now_ns - 60 * SECOND), wire.rfc3339(now_ns + 3600 * SECOND))
        wish = wire.Command(f"hello-{now_ns}", unit, "pulse", *times)
        return wire.command(wish, lambda text: self._keys.sign(text + b" " * wrong))

    def _take(self, unit: str, payload: bytes) -> dict[str, Any] | None:
        """The receipt for one record, or None."""
        try:
            envelope = json.loads(payload)
            record = envelope["data"]["record"]
            epoch, seq = str(record["epoch"]), int(record["seq"])
        except (ValueError, KeyError, TypeError):
            return None
        right = envelope.get("id") == f"{unit}/{epoch}/{seq}" or Fault.BELIEVES_ANY_ID in self.faults
        if not right or record["kind"] not in KINDS or not self._accepts(record):
            return None
        held = self._held.setdefault(unit, set())
        again = (epoch, seq) in held
        if self._passes_over(epoch, seq, again=again, count=len(held)):
            return None
        held.add((epoch, seq))
        return self._receipt(epoch, seq)

    def _accepts(self, record: dict[str, Any]) -> bool:
        if Fault.NOTHING_NEW in self.faults and record.keys() - FIELDS:
            return False
        if Fault.WAITS_FOR_GAPS in self.faults:
            self._stuck = self._stuck or record["kind"] == "gap"
        return not self._stuck

    def _passes_over(self, epoch: str, seq: int, *, again: bool, count: int) -> bool:
        out_of_order = seq < self._highest.get(epoch, 0) and not again
        self._highest[epoch] = max(seq, self._highest.get(epoch, 0))
        return (
            (again and Fault.ONCE_ONLY in self.faults)
            or (out_of_order and Fault.IN_ORDER_ONLY in self.faults)
            or (count >= BACKLOG_MOST and Fault.DROPS_BACKLOG in self.faults)
        )

    def _receipt(self, epoch: str, seq: int) -> dict[str, Any]:
        if Fault.OTHER_EPOCH in self.faults:
            epoch = "another"
        seq += Fault.OTHER_SEQ in self.faults
        stored: list[Any] = [seq] if Fault.PLAIN_SEQS in self.faults else [[seq, seq + (Fault.GENEROUS in self.faults)]]
        return {"epoch": epoch, "stored": stored}

    def _manners(self, speaks_5: bool) -> Manners:
        def may(name: str, topic: str) -> bool:
            mine = topic.startswith(f"{wire.ROOT}/{name}/")
            return mine or name == self._keys.receiver or Fault.LETS_ALL_WRITE in self.faults

        retains, wills = Fault.KEEPS_NOTHING not in self.faults, Fault.NO_WILL not in self.faults
        return Manners(speaks_5=speaks_5, retains=retains, wills=wills, may=may)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._keys.certificate, self._keys.key)
        context.load_verify_locations(self._keys.ca)
        asks = Fault.ASKS_NO_CERTIFICATE not in self.faults
        context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_OPTIONAL
        return context


class _Server(ThreadingHTTPServer):
    """One that has nothing to say of a stranger whose handshake ends."""

    daemon_threads = False  # so that `server_close` waits for them

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing."""


class _Desk(BaseHTTPRequestHandler):
    """PUT of frames, POST of events."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet, or each answer takes 40 ms
    timeout = 5  # a client that says nothing must not keep the thread

    def __init__(self, platform: FakePlatform, *args: Any) -> None:
        self._platform = platform
        super().__init__(*args)

    def do_PUT(self) -> None:
        """A frame, or online, state, pulse."""
        _, _, _, unit, leaf, *name = self.path.split("/")
        body = self._body()
        self._answer(*(self._platform.frame(self._peer(), unit, name[0], body) if name else self._platform.told(leaf)))

    def do_POST(self) -> None:
        """A batch of records, or a reply."""
        _, _, _, unit, leaf = self.path.split("/")
        body, events = self._body(), leaf == "events"
        self._answer(*(self._platform.events(self._peer(), unit, body) if events else self._platform.told(leaf)))

    def do_GET(self) -> None:
        """A question for commands."""
        self._answer(*self._platform.commands(self.path.split("/")[3]))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Nothing."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, told: Any) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _peer(self) -> str:
        peer: dict[str, Any] = dict(self.connection.getpeercert() or {})
        return next((str(value) for rdn in peer.get("subject", ()) for key, value in rdn if key == "commonName"), "")


def _kind(payload: bytes) -> str:
    try:
        return str(json.loads(payload)["data"]["record"]["kind"])
    except (ValueError, KeyError, TypeError):
        return "event"
