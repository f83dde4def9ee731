"""parts.Link over HTTPS: records in batches, each answered by its receipt; commands by a question that is held.

Every connection has a life of its own, with three threads: one for records, so that a live alarm waits for nothing
else; one for what is told besides; one that asks for commands, and by that notices a dead network. The platform's
side, and how it looks on the wire: edge/posting.py. The courier decides when to connect again.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from edge import posting, wire
from edge.clock import SECOND, Clock
from edge.errors import LinkError, RefusedError, ServerError, WireError
from edge.parts import HTTPS, Acked, Incoming, LinkDown, LinkUp
from edge.uplink.refusal import dumb
from edge.uplink.talk import Server, Talk, stranger

log = logging.getLogger(__name__)

WINDOW = 500  # records; more than a courier's window ever is
WAITING_MAX = 1000  # records that nobody takes any more: the wire is dead, and the spool has them
BATCH = 100  # records in one question,
BATCH_BYTES = 200_000  # or this much: well under what proxies let pass
REPLIES_MAX = 100
PAUSE_S = 2.0  # before the next question for commands, where a platform does not hold one
CLOSE_S = 4.0
_UNFIT = (400, 413, 422)  # what is said of this one body

Post = Callable[[object], None]


class HttpsLink:
    """Posts to one platform. wait_s: how long a question for commands is held; twice that is a silent network."""

    def __init__(self, server: Server, unit: str, post: Post, clock: Clock, *, wait_s: int) -> None:
        self._make: Callable[[], _Life] = lambda: _Life(server, unit, post, clock, wait_s)
        self._life: _Life | None = None

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown. Never blocks."""
        if self._life is None or self._life.over.is_set():
            self._life = self._make()
            self._life.start()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Have it posted at once; False where there is no connection. Only records are answered by Acked.

        `qos` and `retain` are the broker's business: here each message is answered, and the platform keeps the last.
        """
        return self._life is not None and self._life.take(topic, payload, token)

    def abandon(self) -> None:
        """End a connection over which nothing is answered, as if it had broken; LinkDown follows. Never blocks."""
        if self._life is not None:
            self._life.give_up()

    def close(self) -> None:
        """Post what is still to be told, then end all threads within 5 s; safe to repeat."""
        if self._life is not None:
            self._life.close()


class _Life:
    """One connection from its first answer to its end."""

    def __init__(self, server: Server, unit: str, post: Post, clock: Clock, wait_s: int) -> None:
        self._where = server.where
        self._unit = unit
        self._post = post
        self._wait_s = wait_s
        self._lock = threading.Condition()
        self._up = False
        self._closing = False
        self.over = threading.Event()
        self._records: deque[tuple[int, bytes]] = deque()  # (token, payload)
        self._told: dict[str, bytes] = {}  # the last of each; an older one is noise
        self._replies: deque[bytes] = deque(maxlen=REPLIES_MAX)
        self._batch = BATCH
        self._warned = False
        lanes = (("commands", self._listen), ("records", self._send), ("told", self._tell))
        self._talks = {name: Talk(server, clock) for name, _ in lanes}
        self._threads = [
            threading.Thread(target=self._run, args=(name, lane), name=f"https {name}", daemon=True)
            for name, lane in lanes
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def take(self, topic: str, payload: bytes, token: int) -> bool:
        leaf = topic.removeprefix(wire.topic(self._unit, ""))
        with self._lock:
            if not self._up or self._closing:
                return False
            if leaf == "event" and len(self._records) < WAITING_MAX:
                self._records.append((token, payload))
            elif leaf == "event":
                self._end(dumb(self._where))
                return False
            elif leaf == "reply":
                self._replies.append(payload)
            elif leaf in posting.METHODS:
                self._told.pop(leaf, None)
                self._told[leaf] = payload
            else:  # a neighbour's topic, such as Home Assistant's discovery: nobody there to be told
                log.debug("nothing on %s goes by HTTPS", topic)
            self._lock.notify_all()
        return True

    def give_up(self) -> None:
        with self._lock:
            if self._up:
                self._end(dumb(self._where))

    def close(self) -> None:
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        self._talks["commands"].cut()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(CLOSE_S / len(self._threads))
        with self._lock:
            self._end(None)
        for thread in self._threads:
            thread.join(1)

    # The three threads

    def _run(self, name: str, lane: Callable[[Talk], None]) -> None:
        talk, trouble = self._talks[name], None
        try:
            lane(talk)
        except LinkError as err:
            trouble = err
        except WireError as err:
            trouble = stranger(self._where, err.found)
        finally:
            talk.close()
        with self._lock:
            if trouble is not None and not self._closing:
                self._end(trouble)

    def _listen(self, talk: Talk) -> None:
        """Ask whether this unit is known; from then on hold a question for commands."""
        waiting = self._ask_for_commands(talk, "?wait=0")
        with self._lock:
            if self.over.is_set() or self._closing:
                return
            self._up = True
            for each in self._talks.values():
                each.proven = True
            self._post(LinkUp(HTTPS, WINDOW))
            self._lock.notify_all()
        while not self.over.is_set() and not self._closing:
            for command in waiting.commands:
                self._post(Incoming(wire.topic(self._unit, "command"), bytes(command)))
            was, asked_ns = waiting.next, talk.now()
            query = f"?wait={self._wait_s}&after={quote(was, safe='')}"
            waiting = self._ask_for_commands(talk, query, 2 * self._wait_s)
            if waiting.next == was and talk.now() - asked_ns < SECOND // 2:
                self.over.wait(PAUSE_S)  # clock: it did not hold the question; it must not be asked without end

    def _ask_for_commands(self, talk: Talk, query: str, within_s: float = 0) -> posting.Waiting:
        status, body = talk.ask("GET", posting.path(self._unit, "commands") + query, within_s=within_s)
        if status != 200:
            raise self._no("commands", status, body)
        return posting.read_waiting(body)

    def _send(self, talk: Talk) -> None:
        while batch := self._next_batch():
            answer = self._ask_to_take(talk, [payload for _, payload in batch])
            if answer is None:
                with self._lock:
                    self._batch = 1  # which of them it cannot take shows when each goes alone
                    self._records.extendleft(reversed(batch))
                continue
            refused = {one.index: one.error for one in answer.refused}
            for index, (token, payload) in enumerate(batch):
                if index in refused:
                    self._post(Acked(token, False, refused[index]))
                elif answer.holds(*_name(payload)):
                    self._post(Acked(token, True, "Success"))
            if answer.stored:
                self._post(Incoming(wire.topic(self._unit, "receipt"), posting.to_json(answer)))

    def _next_batch(self) -> list[tuple[int, bytes]]:
        """Records of one epoch that wait, once there are any; empty at the end."""
        with self._lock:
            self._lock.wait_for(lambda: self._records or self._closing or self.over.is_set())
            if self.over.is_set() or not self._records:
                return []
            batch, size = [self._records.popleft()], 0
            epoch = _name(batch[0][1])[0]
            while self._records and len(batch) < self._batch:
                size += len(batch[-1][1])
                if size + len(self._records[0][1]) > BATCH_BYTES or _name(self._records[0][1])[0] != epoch:
                    break
                batch.append(self._records.popleft())
            return batch

    def _ask_to_take(self, talk: Talk, payloads: list[bytes]) -> posting.Answer | None:
        """The platform's receipt for a batch; None where it must be asked record by record."""
        path = posting.path(self._unit, "events")
        status, body = talk.ask("POST", path, posting.pack(payloads), kind=posting.BATCH_TYPE)
        if status == 200:
            return posting.read_answer(body)
        if status not in _UNFIT:
            raise self._no("events", status, body)
        if len(payloads) > 1:
            return None
        return posting.Answer("", (), (posting.Unfit(0, f"status {status}: {_words(body)}"),))

    def _tell(self, talk: Talk) -> None:
        while (next_ := self._next_told()) is not None:
            leaf, payload = next_
            status, body = talk.ask(posting.METHODS[leaf], posting.path(self._unit, leaf), payload)
            if status >= 500 or status in (401, 403):
                raise self._no(leaf, status, body)
            if status >= 300:  # a platform that has no use for it
                log.log(logging.DEBUG if self._warned else logging.WARNING, "%s", self._no(leaf, status, body))
                self._warned = True

    def _next_told(self) -> tuple[str, bytes] | None:
        with self._lock:
            self._lock.wait_for(lambda: self._told or self._replies or self._closing or self.over.is_set())
            if self.over.is_set():
                return None
            if self._replies:
                return "reply", self._replies.popleft()
            leaf = next(iter(self._told), None)
            return None if leaf is None else (leaf, self._told.pop(leaf))

    def _end(self, trouble: LinkError | None) -> None:
        """Under the lock: it is over, and why; what waits is not sent any more."""
        if self.over.is_set():
            return
        self.over.set()
        self._up = False
        self._lock.notify_all()
        for talk in self._talks.values():
            talk.cut()
        if trouble is not None and not self._closing:
            self._post(LinkDown(trouble))

    def _no(self, leaf: str, status: int, body: bytes) -> LinkError:
        kind = ServerError if status >= 500 or status == 429 else RefusedError
        return kind(
            f"{posting.path(self._unit, leaf)} at {self._where}",
            found=f"status {status}: {_words(body)}",
            wanted="a platform that takes what units post",
            remedy="The platform's log says more; see also uplink.frames_url and uplink.fallback.",
        )


class _Named(msgspec.Struct):
    id: str


_names = msgspec.json.Decoder(_Named)


def _name(payload: bytes) -> tuple[str, int]:
    """Epoch and seq of a record as this unit encoded it."""
    _, epoch, seq = _names.decode(payload).id.rsplit("/", 2)
    return epoch, int(seq)


def _words(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split())
