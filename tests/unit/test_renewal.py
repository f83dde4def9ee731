"""A certificate is renewed in good time, away from the deciding thread, and a warning says when it is not."""

from edge.clock import SECOND
from edge.errors import LinkError
from edge.health import Health
from edge.loop import Loop
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.unit.renewal import DAY_NS, FIRST_LOOK_NS, LOOK_NS, Certificate, Renewal

OFFLINE_DAYS = 30


class Paper:
    """A certificate that lives until `ends_ns` on the boot clock; renewing it may be refused."""

    def __init__(self, clock: SimClock, *, days: float | None) -> None:
        self.clock = clock
        self.days = days
        self.renewed = 0
        self.error: LinkError | None = None

    def left_ns(self) -> int | None:
        return None if self.days is None else int(self.days * DAY_NS) - self.clock.now()

    def renew(self) -> None:
        if self.error is not None:
            raise self.error
        self.renewed += 1
        self.days = 365 + self.clock.now() / DAY_NS


def office(*, days: float | None) -> tuple[SimClock, Loop, Health, Paper]:
    clock = SimClock()
    loop, health, paper = Loop(clock.now), Health(), Paper(clock, days=days)
    certificate = Certificate(paper.left_ns, paper.renew)
    Renewal(certificate, SimWorker(loop, at_once=True), loop, health, OFFLINE_DAYS).start()
    return clock, loop, health, paper


def test_a_certificate_with_three_times_the_longest_offline_time_left_stays():
    clock, loop, _, paper = office(days=3 * OFFLINE_DAYS + 2)
    live(loop, clock, DAY_NS)
    assert paper.renewed == 0


def test_one_with_less_left_is_renewed_once():
    clock, loop, _, paper = office(days=3 * OFFLINE_DAYS + 1)
    live(loop, clock, 3 * DAY_NS)
    assert paper.renewed == 1


def test_nothing_is_done_in_the_first_minutes_of_a_start():
    clock, loop, _, paper = office(days=1)
    live(loop, clock, FIRST_LOOK_NS - SECOND)
    assert paper.renewed == 0
    live(loop, clock, 2 * SECOND)
    assert paper.renewed == 1


def test_a_renewal_that_is_refused_is_warned_of_and_tried_again():
    clock, loop, health, paper = office(days=30)
    paper.error = LinkError("station", found="no", wanted="yes", remedy="Wait.")
    live(loop, clock, FIRST_LOOK_NS + SECOND)
    assert health.active("identity.ending")
    paper.error = None
    live(loop, clock, LOOK_NS)
    assert (paper.renewed, health.active("identity.ending")) == (1, False)


def test_a_clock_that_was_never_set_judges_no_certificate():
    clock, loop, health, paper = office(days=None)
    live(loop, clock, 2 * DAY_NS)
    assert (paper.renewed, health.active("identity.ending")) == (0, False)
