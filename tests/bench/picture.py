"""A part of the report: from the door's edge to its first sealed picture, whole at whoever takes it by HTTPS."""

import ssl
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from beat import now_ns
from costs import MS, Rows
from ear import Ear
from peer import OURS
from stage import Stage, soon_ns, stage
from table import percentile

APART_MS = 3000
UPLINK = '[uplink]\nframes_url = "https://127.0.0.1:{port}"'


class Taker(BaseHTTPRequestHandler):
    """Takes what is PUT, and notes when it had all of it."""

    protocol_version = "HTTP/1.1"
    took_ns: list[int]

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.took_ns.append(now_ns())
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def pictures(openings: int) -> Rows:
    """p50 and p99 in ms, settle time left in: a picture is taken of what was before it, too."""
    with stage("report-picture") as on, ExitStack() as closing:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        closing.callback(ear.close)
        port, took_ns = _taker(on, closing)
        settings = on.unit("unit", broker, 5, uplink=UPLINK.format(port=port))
        text = settings.read_text(encoding="utf-8").replace("enabled = false", "before_s = 1\nafter_s = 0")
        settings.write_text(text, encoding="utf-8")
        player = on.play("unit", "play_unit.py", str(settings))
        player.ready()
        ear.wait(lambda one: one.topic == "door/v1/unit/online", 1, 20)
        player.go([soon_ns(5) + number * APART_MS * MS for number in range(2 * openings)])
        moved_ns = player.moved_ns()[::2]
        threading.Event().wait(5)
        took = [min(at for at in took_ns if at > moved) - moved for moved in moved_ns]
    return {OURS: {f"picture_p{p}_ms": percentile(took, p) / MS for p in (50, 99)}}


def _taker(on: Stage, closing: ExitStack) -> tuple[int, list[int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(str(path) for path in on.ca.server_files()))
    context.load_verify_locations(str(on.ca.ca_file))
    context.verify_mode = ssl.CERT_REQUIRED
    took_ns: list[int] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Taker,), {"took_ns": took_ns}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    closing.callback(server.server_close)
    closing.callback(server.shutdown)
    return server.server_address[1], took_ns
