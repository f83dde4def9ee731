"""Pushes what happens to every page that listens (server-sent events). Never waits for a slow page."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

QUEUE = 200  # messages a page may lag behind; beyond that it is told to load everything anew
KEEPALIVE_S = 15.0


Show = Callable[[str, Any], Any]  # event, data -> what this page is shown of it, or None


class Hub:
    """Lives in the station's asyncio loop; `push` only there."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[tuple[str, Any, str] | None]] = set()

    @property
    def listening(self) -> bool:
        """Whether a page does; any thread."""
        return bool(self._pages)

    def push(self, event: str, data: Any) -> None:
        """One message to all pages."""
        message = (event, data, _frame(event, data))
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

    async def listen(self, show: Show | None = None) -> AsyncGenerator[str, None]:
        """The stream of one page, until it goes away or lags too far behind; `show` leaves out what it may not see."""
        page: asyncio.Queue[tuple[str, Any, str] | None] = asyncio.Queue(QUEUE)
        self._pages.add(page)
        try:
            yield "retry: 1000\n\n"
            while True:
                try:
                    message = await asyncio.wait_for(page.get(), KEEPALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if message is None:
                    return
                event, data, text = message
                shown = data if show is None else show(event, data)
                if shown is not None:
                    yield text if shown is data else _frame(event, shown)
        finally:
            self._pages.discard(page)

    def _end(self, page: "asyncio.Queue[tuple[str, Any, str] | None]") -> None:
        while not page.empty():
            page.get_nowait()
        page.put_nowait(None)


def _frame(event: str, data: Any) -> str:
    return f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
