"""amqtt as a broker in a thread of this process, where there is no mosquitto; the only file that imports amqtt."""

import asyncio
import contextlib
import logging
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from edge.errors import PartError
from edge.station.ports import free

T = TypeVar("T")

WITHIN_S = 5  # for a start, a stop, or a client's first packet


class EmbeddedBroker:
    """amqtt in a thread of this process, where there is no mosquitto: demo and tests only.

    Plain TCP on loopback; whoever connects is believed, and any client reads and writes all topics. MQTT 3.1.1 only.
    amqtt 0.12.1 sends a client, as it connects, retained messages that it never subscribed to, and forgets what a
    subscriber has not acknowledged within 5 s; the unit, having no receipt, sends that again.
    """

    kind: Literal["mosquitto", "amqtt"] = "amqtt"
    tls = False

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self._broker: Any = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._thread.start()
        try:
            self.port = self._do(self._start(free(host, port)))
        except BaseException:  # Ctrl-C too: a thread must not outlive the wait for it
            self.close()
            raise

    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def refresh(self) -> None:
        """Nothing: without certificates there are none to refuse."""

    def close(self) -> None:
        """End the broker, its connections and its thread; safe to repeat."""
        if self._loop.is_closed():
            return
        try:
            self._do(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WITHIN_S)
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)

    async def _start(self, port: int) -> int:
        try:
            from amqtt.broker import Broker as Amqtt
        except ImportError as err:
            raise PartError(
                "broker",
                found="neither mosquitto nor amqtt",
                wanted="one of them",
                remedy="`sudo apt install mosquitto`, or `pip install doorunit[station]`.",
            ) from err
        for noisy in ("amqtt", "transitions"):  # a line or more per packet, down to INFO
            logging.getLogger(noisy).setLevel(logging.WARNING)
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        self._broker = Amqtt({"listeners": {"default": {"type": "external"}}, "plugins": plugins}, loop=self._loop)
        await self._broker.start()
        self._server = await asyncio.start_server(self._serve, self.host, port)
        return port

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._broker.shutdown()
        for writer in self._writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client. Its CONNECT is read here first, for two things that amqtt 0.12.1 does not do.

        A CONNECT of MQTT 5 with a last will it leaves unanswered for ever; and a client that has fallen silent it
        never puts off, so that client's will would never be sent.
        """
        from amqtt.adapters import StreamWriterAdapter

        self._writers.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.TimeoutError):
            head, level, keepalive_s = await asyncio.wait_for(_connect(reader), WITHIN_S)
            if level > 4:
                writer.write(b"\x20\x03\x00\x84\x00")  # CONNACK of MQTT 5: 0x84, unsupported protocol version
            else:
                client = _Client(head, reader, writer, 1.5 * keepalive_s)
                await self._broker.external_connected(client, StreamWriterAdapter(writer), "default")
        self._writers.discard(writer)
        writer.close()


class _Client:
    """amqtt's reader for one client: first what was read already; and silence past the limit ends the connection."""

    def __init__(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence_s: float
    ) -> None:
        self._head, self._reader, self._writer, self._silence_s = head, reader, writer, silence_s
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, n: int = -1) -> bytes:
        """Exactly n bytes. Raises EOFError at the connection's end."""
        if self._head:
            piece, self._head = self._head[:n], self._head[n:]
        else:
            piece = await self._reader.readexactly(n)
        if self._timer is not None:
            self._timer.cancel()
        if self._silence_s:
            self._timer = asyncio.get_running_loop().call_later(self._silence_s, self._writer.transport.abort)
        return piece

    def feed_eof(self) -> None:
        """Nothing more is to be read."""
        self._reader.feed_eof()


async def _connect(reader: asyncio.StreamReader) -> tuple[bytes, int, int]:
    """A client's first packet, its protocol level and its keep-alive in s (MQTT 3.1.1, section 3.1.2)."""
    head = await reader.readexactly(2)
    length, shift = head[-1] & 0x7F, 7
    while head[-1] & 0x80 and shift < 21:
        head += await reader.readexactly(1)
        length |= (head[-1] & 0x7F) << shift
        shift += 7
    body = await reader.readexactly(length)
    if head[0] != 0x10 or len(body) < 10 or body[:6] != b"\x00\x04MQTT":
        raise EOFError("not a CONNECT of MQTT 3.1.1 or 5")
    return head + body, body[6], int(struct.unpack_from(">H", body, 8)[0])
