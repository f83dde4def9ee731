"""Whatever the link and the platform do: nothing is forgotten without its receipt, and in the end all is delivered."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.uplink.office import EPOCH, Office

WINDOW = 3


class Line(RuleBasedStateMachine):
    """A courier, a link that comes and goes, a broker and a platform that answer when they like."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(window=WINDOW, receipt_timeout_s=10, at_once=False)
        self.recorded = 0
        self.arrived: set[int] = set()  # what the platform was sent
        self.told: set[int] = set()  # what it sent receipts for, while the unit could hear them
        self.taken = 0  # publishes that were looked at

    def look(self) -> None:
        sent = self.office.sent()
        self.arrived |= set(sent[self.taken :])
        self.taken = len(sent)

    @rule(count=st.integers(1, 5))
    def record(self, count: int) -> None:
        was_up, before = self.office.courier.up and self.office.link.up, len(self.office.link.sent)
        self.office.record(count)
        self.recorded += count
        if was_up:
            assert len(self.office.link.sent) == before + count, "live goes at once"

    @rule(window=st.sampled_from([1, 5, 7, 65_535]))
    def accept(self, window: int) -> None:
        if not self.office.link.up:
            self.office.link.accept(window)

    @rule()
    def drop(self) -> None:
        self.office.link.drop()

    @rule()
    def sever(self) -> None:
        """The socket is dead; the news of it comes later."""
        self.office.link.sever()

    @rule()
    def read(self) -> None:
        self.office.worker.run()

    @rule()
    def hear(self) -> None:
        self.office.loop.turn()

    @rule(seconds=st.sampled_from([1, 10, 61, 700]))
    def wait(self, seconds: int) -> None:
        self.office.live(seconds)

    @precondition(lambda self: self.office.link.sent)
    @rule(data=st.data(), reason=st.sampled_from(["Success", "Not authorized"]))
    def answer(self, data: st.DataObject, reason: str) -> None:
        """The broker answers some publish, perhaps one of an earlier connection, perhaps twice."""
        publish = data.draw(st.sampled_from(self.office.link.sent))
        self.office.link.answer(publish.token, reason)

    @rule(data=st.data(), epoch=st.sampled_from([EPOCH, EPOCH, "another"]))
    def receipt(self, data: st.DataObject, epoch: str) -> None:
        """The platform tells of what it holds, also of what it never can."""
        self.look()
        seqs = data.draw(st.sets(st.integers(1, self.recorded + 3), max_size=6))
        held = seqs & self.arrived
        if epoch == EPOCH:
            self.told |= held
        self.office.receipt(*(held if epoch == EPOCH else seqs), epoch=epoch)

    @invariant()
    def nothing_is_forgotten_without_its_receipt(self) -> None:
        assert set(self.office.forgotten) <= self.told
        assert len(self.office.forgotten) == len(set(self.office.forgotten))
        assert set(self.office.spool) | set(self.office.forgotten) == set(range(1, self.recorded + 1))

    @invariant()
    def nothing_raised_in_the_loop(self) -> None:
        assert self.office.loop.faults == 0

    def teardown(self) -> None:
        """Everything is well from now on: all is delivered, in order where it was a backlog."""
        self.office.worker.at_once = True
        self.office.worker.run()
        self.office.link.drop()
        self.office.loop.turn()
        self.office.up()
        for _ in range(self.recorded + 40):
            self.look()
            self.told |= self.arrived
            self.office.answer(*self.office.sent())
            self.office.receipt(*self.arrived)
        assert self.office.spool == {}
        assert self.office.courier.in_flight == 0
        assert not self.office.courier.behind


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
