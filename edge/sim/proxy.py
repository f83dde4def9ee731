"""A network's HTTP proxy on loopback: takes CONNECT with the right login, forwards, refuses, or says nothing at all."""

import base64
import select
import socket
import socketserver
import threading
from contextlib import suppress

_HEAD_MAX = 8192
_REASONS = {200: "Connection established", 403: "Forbidden", 407: "Proxy Authentication Required", 502: "Bad Gateway"}


class SimProxy:
    """Listens until it is closed. login: user:password it wants, or "". answer: what it says instead of 200."""

    def __init__(self, login: str = "") -> None:
        self.login = login
        self.answer = 200
        self.asked: list[str] = []  # host:port of each CONNECT
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    proxy._serve(self.request)  # noqa: SLF001 - its own

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """As uplink.proxy has it."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End all connections; safe to repeat."""
        self._server.shutdown()
        self._server.server_close()
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _serve(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_MAX:
            piece = near.recv(4096)
            if not piece:
                return
            head += piece
        first, *lines = head.decode("latin-1").split("\r\n")
        where = first.split(" ")[1]
        self.asked.append(where)
        wanted = f"proxy-authorization: basic {base64.b64encode(self.login.encode()).decode()}".lower()
        status = 407 if self.login and wanted not in [line.lower() for line in lines] else self.answer
        near.sendall(f"HTTP/1.1 {status} {_REASONS.get(status, 'No')}\r\n\r\n".encode())
        if status == 200:
            host, _, port = where.rpartition(":")
            with socket.create_connection((host, int(port)), 5) as far:
                self._forward(near, far)

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        """Until either end is closed. What comes goes on at once, as through any proxy worth the name."""
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= {near, far}
        other = {near: far, far: near}
        while True:
            for sock in select.select([near, far], [], [])[0]:
                data = sock.recv(65_536)
                if not data:
                    self._open -= {near, far}
                    return
                other[sock].sendall(data)
