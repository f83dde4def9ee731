"""A whole Pico W on a simulated board: doors that move while the network is not there. Runs on both Pythons."""

import json

from drivers.examples.pico_w_door import Watch
from drivers.examples.pico_w_wire import ranges

PERIOD = 1 << 30
UTC_S = 1_795_510_923


class Broker:
    """The platform's end: it commits what it is told, and says so while it is well."""

    def __init__(self, board):
        self._board = board
        self.held = {}  # (epoch, seq) -> message
        self.online = []
        self._answers = []

    def set_callback(self, callback):
        self._callback = callback

    def subscribe(self, topic, qos):
        assert (topic, qos) == (b"door/v1/door-17/receipt", 1)

    def publish(self, topic, payload, retain=False):
        if not self._board.network:
            raise OSError(104, "connection reset")
        told = json.loads(payload)
        if topic.endswith(b"/event"):
            record = told["data"]["record"]
            self.held[record["epoch"], record["seq"]] = told
            self._answers.append({"epoch": record["epoch"], "stored": ranges([record["seq"]])})
        if topic.endswith(b"/online"):
            self.online.append(told["online"])

    def check_msg(self):
        if not self._board.network:
            raise IndexError("bytes index out of range")  # as umqtt has it, on a link that broke
        while self._answers:
            self._callback(b"", json.dumps(self._answers.pop(0)).encode())


class SimBoard:
    """A board whose time is turned; ticks begin just before they wrap."""

    def __init__(self):
        self.true_us = 0
        self.network = True
        self.shut = True
        self.wills = []
        self._edges = []
        self.broker = Broker(self)

    def diff(self, later, earlier):
        return (later - earlier + PERIOD // 2) % PERIOD - PERIOD // 2

    def us(self):
        return (self.true_us + PERIOD - 1_000_000) % PERIOD

    def ms(self):
        return (self.true_us // 1000 + PERIOD - 1000) % PERIOD

    def random(self, nbytes):
        return bytes(range(nbytes))

    def closed(self):
        return self.shut

    def edges(self):
        taken, self._edges = self._edges, []
        return taken

    def joined(self):
        return self.network

    def utc_s(self):
        return UTC_S + self.true_us // 1_000_000

    def connect(self, unit, last_will):
        self.wills.append((unit, json.loads(last_will)["online"]))
        return self.broker

    def move(self, shut):
        self.shut = shut
        self._edges.append(self.us())


def run(board, watch, seconds, late=1):
    """late: how many times longer each turn takes than it asks for."""
    until_us = board.true_us + seconds * 1_000_000
    while board.true_us < until_us:
        board.true_us += watch.turn() * 1000 * late


def told(board):
    """What the platform holds, in order: the change or the kind, and its time."""
    held = [board.broker.held[key] for key in sorted(board.broker.held)]
    return [(m["data"]["record"].get("change", m["data"]["record"]["kind"]), m.get("time")) for m in held]


def off_s(text, true_us):
    """Seconds between a time that was told and the true one, on the simulated board's first day."""
    hour, minute, second = [int(part) for part in text[11:19].split(":")]
    return abs(hour * 3600 + minute * 60 + second - (UTC_S % 86_400 + true_us // 1_000_000))


def test_a_day_with_the_network_there_tells_each_change_once_and_keeps_nothing():
    board = SimBoard()
    watch = Watch(board, "door-17")
    run(board, watch, 5)
    opened_us = board.true_us
    for shut in (False, True):
        board.move(shut)
        run(board, watch, 5)
    assert [what for what, _ in told(board)] == ["boot", "anchor", "found", "opened", "shut"]
    assert off_s(told(board)[3][1], opened_us) <= 2  # as close as it claims
    assert watch.outbox.records == []
    assert board.wills == [("door-17", False)]


def test_openings_from_before_the_first_network_are_sent_with_their_true_time_once_it_is_there():
    board = SimBoard()
    board.network = False
    watch = Watch(board, "door-17")
    run(board, watch, 700, late=25)
    opened_us = board.true_us
    board.move(False)
    run(board, watch, 1200, late=25)  # longer than the ticks take to wrap
    assert board.broker.held == {}
    board.network = True
    run(board, watch, 10)
    assert [what for what, _ in told(board)] == ["boot", "found", "opened", "anchor"]
    assert off_s(told(board)[2][1], opened_us) <= 2
    assert watch.outbox.records == []


def test_a_link_that_breaks_is_made_again_and_what_happened_meanwhile_is_sent_once():
    board = SimBoard()
    watch = Watch(board, "door-17")
    run(board, watch, 5)
    board.network = False
    for i in range(6):
        board.move(i % 2 == 1)
        run(board, watch, 20, late=3)
    assert len(board.broker.held) == 3
    board.network = True
    run(board, watch, 30)
    assert [what for what, _ in told(board)] == ["boot", "anchor", "found"] + ["opened", "shut"] * 3
    assert board.broker.online == [True, True]
    assert watch.outbox.records == []


def test_a_network_that_is_away_for_too_long_costs_records_that_are_counted():
    board = SimBoard()
    watch = Watch(board, "door-17")
    run(board, watch, 5)
    board.network = False
    for i in range(100):
        board.move(i % 2 == 1)
        run(board, watch, 2, late=5)
    board.network = True
    run(board, watch, 30)
    held = [seq for _, seq in board.broker.held]
    (gap,) = [m["data"]["record"] for m in board.broker.held.values() if m["data"]["record"]["kind"] == "gap"]
    lost = [seq for first, last in gap["seqs"] for seq in range(first, last + 1)]
    assert gap["records"] == len(lost) > 30
    assert sorted(held + lost) == list(range(1, max(held) + 1))
    assert watch.outbox.records == []
