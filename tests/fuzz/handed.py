"""What units post where MQTT is blocked, at the station; and what any station may answer them, at the unit.

An input is a request (asking.py). A batch is answered by a receipt of what is stored and of nothing else; and its body,
taken for an answer, is read by the unit whole or not at all.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from edge import posting, wire
from edge.clock import SystemClock
from edge.errors import WireError
from edge.station.ledger import Ledger
from edge.station.mailbox import Mailbox
from edge.station.postapi import post_routes
from edge.station.unitapi import unit_app
from tests.fuzz import intake, wires
from tests.fuzz.asking import Request, asker, bend_request
from tests.fuzz.bend import INTS, Pick, bend_json, text
from tests.fuzz.office import office
from tests.fuzz.player import Play, Target
from tests.fuzz.wires import REAL, UNIT

HARMLESS = {307, 400, 403, 404, 405, 413, 422}
BATCH = posting.path(UNIT, "events").encode()
ANSWERS = (
    b'{"epoch":"e1","stored":[[1,3],[7,7]]}',
    b'{"epoch":"","stored":[],"refused":[{"index":0,"error":"no"},{"index":2,"error":"no"}]}',
    b'{"next":"a1b2c3d4-7","commands":[{"id":"1"},{"id":"2"}]}',
)


class Counter(intake.Desk):
    """A receiver whose thread is the one that asks: what is handed in is committed at once."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.on_reply = lambda _unit, _payload: None  # orders.py has these

    def hand_in(self, unit: str, records: list[bytes]) -> "Future[posting.Answer]":
        """As the receiver, and taken."""
        answer = super().hand_in(unit, records)
        self.catch_up()
        return answer

    def catch_up(self) -> None:
        """Take what waits."""
        while not self._inbox.empty():
            waiting = self._inbox.get()
            self._take([waiting] if waiting is not None else [])


def read_at_unit(body: bytes) -> None:
    """An answer, as the unit reads it: what it takes goes on as a receipt, or as commands, that say the same."""
    with suppress(WireError):
        answer = posting.read_answer(body)
        again = posting.read_answer(posting.to_json(answer))
        assert again == answer
        assert answer.holds("nobody's", 1) is (answer.epoch == "nobody's" and answer.holds(answer.epoch, 1))
        with suppress(WireError):  # more ranges than a receipt may have
            receipt = wire.read_receipt(posting.to_json(answer))
            assert (receipt.epoch, receipt.stored) == (answer.epoch, answer.stored)
    with suppress(WireError):
        waiting = posting.read_waiting(body)
        assert posting.read_waiting(posting.to_json(waiting)).next == waiting.next
        assert all(bytes(command) for command in waiting.commands)


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """An empty ledger, emptied again after each input; a mailbox that holds no question."""
    with office(folder) as at, asker() as ask:
        counter, mailbox = Counter(at.ledger), Mailbox(SystemClock())
        mailbox.close()
        units = unit_app(at.frames, at.desk, post_routes(counter, mailbox, at.desk))
        db = at.ledger.store.db

        def play(data: bytes) -> None:
            request = Request.of(data)
            read_at_unit(request.body)
            answer = ask(units, request)
            counter.catch_up()
            stored = set(db.execute("SELECT unit, epoch, seq FROM record"))
            assert answer.status in HARMLESS | {200, 204} or (request.cut and answer.status == 0), answer.status
            if request.method == "POST" and answer.status == 200:
                told = posting.read_answer(answer.body)
                named = {seq for low, high in told.stored for seq in range(low, high + 1)}
                assert {(request.peer, told.epoch, seq) for seq in named} == stored
                at_ = [one.index for one in told.refused]
                posted = len(posting.unpack(request.body))
                assert at_ == sorted(set(at_))
                assert set(at_) <= set(range(posted))
                assert len(named) <= posted - len(at_)
            else:
                assert stored == set()
            if at.ledger.units():
                for page in intake.PAGES:
                    assert ask(at.page, page).status == 200
                for table in ("record", "unit", "void", "anchor"):
                    db.execute(f"DELETE FROM {table}")

        yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """Another request; or the same with a record bent, one more or one twice; or an answer bent."""
    how = pick(("request", "body", "record", "record", "record", "more", "ranges"))
    head, _, body = raw.partition(b"\n\n")
    if how == "request":
        return bend_request(raw, pick)
    if how == "body":
        return head + b"\n\n" + bend_json(body, pick)
    if how == "ranges":
        numbers = [*INTS, 1, 2, 3]
        ranges = [[pick(numbers), pick(numbers)] for _ in range(pick((1, 2, 9)))]
        return head + b"\n\n" + text({"epoch": pick(("e1", "", "nobody's")), "stored": ranges})
    records = [pick(REAL)] * pick((0, 1, 1, 2))
    records.append(wires.bend(pick(REAL), pick) if how == "record" else pick(REAL))
    return _post(*records)


def _post(*records: bytes) -> bytes:
    return _ask(b"POST", BATCH, posting.pack(records))


def _ask(method: bytes, address: bytes, body: bytes = b"") -> bytes:
    return method + b" " + address + b"\npeer: " + UNIT.encode() + b"\n\n" + body


def _told(leaf: str, body: bytes) -> bytes:
    return _ask(posting.METHODS[leaf].encode(), posting.path(UNIT, leaf).encode(), body)


REAL_ONES = (_post(*REAL), *(_post(one) for one in REAL))
TOLD = (_told("state", intake.STATE), _told("pulse", intake.PULSE), _told("online", intake.ONLINE))
TOLD += (_told("reply", b'{"id":"1","done":true}'), _told("commands", b""))
TARGET = Target("handed", opened, (*REAL_ONES, *TOLD, *(_ask(b"POST", BATCH, one) for one in ANSWERS)), bend)
