"""Pushes what happens to every page that listens (server-sent events). Never waits for a slow page."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

QUEUE = 200  # messages a page may lag behind; beyond that it is told to load everything anew
KEEPALIVE_S = 15.0


class Hub:
    """Lives in the station's asyncio loop; `push` only there."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[str | None]] = set()

    def push(self, event: str, data: Any) -> None:
        """One message to all pages."""
        message = f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        for page in list(self._pages):
            try:
                page.put_nowait(message)
            except asyncio.QueueFull:
                self._pages.discard(page)
                self._end(page)

    def close(self) -> None:
        """End every stream; pages connect again by themselves."""
        for page in list(self._pages):
            self._end(page)
        self._pages.clear()

    async def listen(self) -> AsyncIterator[str]:
        """The stream of one page, until it goes away or lags too far behind."""
        page: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
        self._pages.add(page)
        try:
            yield "retry: 1000\n\n"
            while True:
                message: str | None = ": still here\n\n"
                with suppress(TimeoutError):
                    message = await asyncio.wait_for(page.get(), KEEPALIVE_S)
                if message is None:
                    return
                yield message
        finally:
            self._pages.discard(page)

    def _end(self, page: "asyncio.Queue[str | None]") -> None:
        while not page.empty():
            page.get_nowait()
        page.put_nowait(None)
