"""A clustered broker loses a node in the middle, the one that all are on, and no record is lost. A campaign.

    python tests/cluster/cluster.py --broker nats         # Debian's nats-server: three nodes, JetStream, MQTT 3.1.1
    python tests/cluster/cluster.py --broker rabbitmq     # Debian's rabbitmq-server: three nodes, quorum queues

Units are the real courier over the real link, as many threads as units; the receiver has a durable session. All dial
one address, as behind a load balancer, which leads to the first node that listens.
"""

import argparse
import logging
import queue
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.clock import MS, SECOND, SystemClock
from edge.loop import Loop
from edge.parts import Fact
from edge.sim.fleet import Fleet, Plan
from edge.station.ledger import Ledger
from edge.station.receiver import Receiver
from edge.uplink.mqtt import Broker, MqttLink
from tests.cluster.front import Front
from tests.cluster.nodes import Nats, Rabbit

BROKERS = {"nats": Nats, "rabbitmq": Rabbit}
KEEPALIVE_S = 20
UP_S = 60
SETTLE_S = 150  # a receipt that an election swallowed is asked for again after receipt_timeout_s, 60


def main() -> int:
    """0: each record that was made is in the ledger, and none is missing; 1: not so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=BROKERS, default="nats")
    parser.add_argument("--units", type=int, default=10)
    parser.add_argument("--openings", type=float, default=0.5, help="of a unit in a second (default 0.5)")
    parser.add_argument("--before", type=float, default=8, help="s before the node is killed (default 8)")
    parser.add_argument("--after", type=float, default=12, help="s of openings after it (default 12)")
    parser.add_argument("--verbose", action="store_true", help="what units and receiver say meanwhile")
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING if args.verbose else logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no node is left behind
    folder = Path(tempfile.mkdtemp(prefix="doorunit-cluster-"))
    try:
        return play(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(args: argparse.Namespace, folder: Path) -> int:
    """One run."""
    clock = SystemClock(assume_synced=True)
    with ExitStack() as on:
        began_s = time.monotonic()
        cluster = BROKERS[args.broker](folder)
        on.callback(cluster.close)
        front = Front(cluster.ports)
        on.callback(front.close)
        ledger = Ledger(folder / "ledger")
        on.callback(ledger.close)
        receiver = receive(on, ledger, clock, front.port)
        say(f"{args.broker}: three nodes and a receiver after {time.monotonic() - began_s:.1f} s")

        loop = Loop(clock.now)
        plan = Plan(args.units, args.openings * 86_400, spread_s=1.0, pulse_s=5)
        fleet = Fleet(plan, loop, clock, lambda *about: Line(front.port, loop, clock, *about))
        on.callback(fleet.close)
        fleet.start()
        stage = Stage(loop, clock)
        up_s = stage.until(lambda: fleet.up == args.units, UP_S)
        say(f"{fleet.up} of {args.units} units up after {up_s or UP_S:.1f} s")
        if up_s is None:
            return 1
        stage.until(lambda: False, args.before)
        before = list(fleet.tally.waits)
        del fleet.tally.waits[:]
        held = fleet.tally.receipts
        killed_ns = clock.now()
        cluster.kill(0)
        heard_s = stage.until(lambda: fleet.up < args.units, UP_S)
        back_s = stage.until(lambda: fleet.up == args.units and fleet.tally.receipts > held, UP_S)
        say(f"node killed; all back, and the next receipt, {(clock.now() - killed_ns) / SECOND:.1f} s later")
        stage.until(lambda: False, args.after)
        fleet.rest()
        stage.until(lambda: fleet.owed == 0, SETTLE_S)
        say(f"before: {waits(before)}")
        say(f"after:  {waits(list(fleet.tally.waits))}")
        return judge(fleet, ledger, receiver, well=None not in (up_s, heard_s, back_s))


def judge(fleet: Fleet, ledger: Ledger, receiver: Receiver, *, well: bool) -> int:
    """Say what is where."""
    (kept,) = ledger.read("SELECT count(*) FROM record")[0]
    missing = {row.unit: ledger.missing(row.unit) for row in ledger.units()}
    holes = {unit: found for unit, found in missing.items() if found}
    tally = fleet.tally
    say(f"records made {tally.made}, sent {tally.sends} times, in the ledger {kept}, owed {fleet.owed}")
    owing = {unit.unit: len(unit.rows) for unit in fleet.units if unit.rows}
    say(f"units that are owed receipts: {owing or 'none'}")
    say(f"missing: {holes or 'none'}; messages refused: {receiver.refused}")
    good = well and kept == tally.made and not holes and fleet.owed == 0 and receiver.refused == 0
    say("nothing lost" if good else "NOT WELL")
    return 0 if good else 1


def receive(on: ExitStack, ledger: Ledger, clock: SystemClock, port: int) -> Receiver:
    """One that listens: a cluster that has only just started may refuse its first subscription."""
    receiver = Receiver(
        ledger, clock, lambda _: None, host="127.0.0.1", port=port, tls=None, v5=False, name="receiver", durable=True
    )
    on.callback(receiver.close)
    if not receiver.connected.wait(UP_S):
        raise SystemExit("the receiver was not heard by the cluster")
    return receiver


class Line:
    """fleet.Line over the link that a unit on a Pi has."""

    def __init__(
        self,
        port: int,
        loop: Loop,
        clock: SystemClock,
        unit: str,
        subscribe: tuple[str, ...],
        will: tuple[str, bytes],
        post: Callable[[Fact], None],
    ) -> None:
        broker = Broker("127.0.0.1", port, unit, KEEPALIVE_S, None, subscribe, will)
        self._link = MqttLink(broker, lambda fact: loop.call(post, fact), clock)
        self.connect, self.publish = self._link.connect, self._link.publish
        self.abandon, self.close = self._link.abandon, self._link.close

    def drop(self) -> None:
        """No unit loses its power here."""
        self._link.close()


class Stage:
    """The deciding thread's turns, until something is so."""

    def __init__(self, loop: Loop, clock: SystemClock) -> None:
        self._loop = loop
        self._clock = clock
        self._tick: queue.SimpleQueue[None] = queue.SimpleQueue()

    def until(self, done: Callable[[], bool], at_most_s: float) -> float | None:
        """Seconds that took; None where it took too long."""
        began_ns = self._clock.now()
        while not done():
            self._loop.turn()
            if self._clock.now() - began_ns > at_most_s * SECOND:
                return None
            time.sleep(0.002)
        return (self._clock.now() - began_ns) / SECOND


def waits(found: list[int]) -> str:
    """Openings, from record to receipt."""
    ranked = sorted(found)
    if not ranked:
        return "no openings"
    middle, most = ranked[len(ranked) // 2] / MS, ranked[-1] / MS
    return f"{len(ranked)} openings, record to receipt p50 {middle:.0f} ms, longest {most:.0f} ms"


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
