"""A TCP link that can be cut and joined: real connections, really ended. Lives in an asyncio loop, on loopback only."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

_CHUNK = 65_536


class CutLink:
    """Forwards one loopback port to another while it is joined."""

    def __init__(self, target_port: int) -> None:
        self.port = 0  # where to connect; fixed once opened
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def joined(self) -> bool:
        """Whether connections pass."""
        return self._server is not None

    async def join(self) -> None:
        """Accept and forward; on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection and accept no more; safe to repeat."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        with suppress(OSError, asyncio.CancelledError):
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
                try:
                    await _both(_pump(reader, far_writer), _pump(far_reader, writer))
                finally:
                    far_writer.transport.abort()
            finally:
                writer.transport.abort()


async def _both(*ways: Coroutine[None, None, None]) -> None:
    """Until the first of the two directions ends."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
