"""Tells the pages what commits brought, in a thread of its own: no receipt waits for a page.

News that waits is merged. While no page listens nothing is made of it: one that comes later reads the ledger.
"""

import queue
import threading
from collections.abc import Callable, Sequence

from edge.station import views
from edge.station.hub import QUEUE
from edge.station.ledger import Ledger
from edge.station.receiver import News

Message = tuple[str, object]


class Teller:
    """`listening()`: whether a page does; `push` and `reload` reach the pages, from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        genuine: views.Genuine,
        listening: Callable[[], bool],
        push: Callable[[Sequence[Message]], None],
        reload: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._genuine = genuine
        self._listening = listening
        self._push = push
        self._reload = reload
        self._waiting: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._thread.start()

    def tell(self, news: News) -> None:
        """Of a commit; any thread, never blocks."""
        self._waiting.put(news)

    def close(self) -> None:
        """Tell what waits, then end within 5 s; safe to repeat."""
        self._waiting.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (news := self._waiting.get()) is not None:
            while not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    self._waiting.put(None)
                    break
                news = News(news.units | more.units, news.records + more.records)
            if not self._listening():
                continue
            if len(news.units) + len(news.records) > QUEUE:
                self._reload()
            else:
                self._push(told(self._ledger, news, self._genuine))


def told(ledger: Ledger, news: News, genuine: views.Genuine) -> list[Message]:
    """What the pages are told of it: new records, those whose time is known by now, and the doors."""
    entries = [views.entry(ledger, stored, genuine) for stored in ledger.numbered(news.records)]
    entries += [entry for new in list(entries) if new["kind"] == "anchor" for entry in views.mended(ledger, new)]
    doors = [views.door(ledger, unit) for unit in sorted(news.units)]
    return [*(("record", entry) for entry in entries), *(("door", door) for door in doors if door)]
