"""What can go wrong between the unit and the platform, and there. Each begins when it is called with the world."""

import socket
import ssl
from collections.abc import Callable
from functools import partial

from edge import wire
from edge.clock import MS, SECOND
from edge.errors import DoorunitError, LinkError
from edge.parts import Incoming
from edge.sim.world import UNIT, World
from edge.uplink.refusal import explain, silence
from tests.sim.faults import switch
from tests.sim.stage import Fault

WHERE = "platform.example:8883"


def city(**fields: object) -> Fault:
    return switch(lambda world: world.city, **fields)


def platform(**fields: object) -> Fault:
    return switch(lambda world: world.city.platform, **fields)


def shelf(error: DoorunitError) -> Fault:
    return switch(lambda world: world.shelf, fault=error)


def network(kind: str) -> Fault:
    def begin(world: World) -> Callable[[], None]:
        world.city.cut(kind)
        return world.city.mend

    return begin


def blocked(kind: str) -> Fault:
    """A firewall ends MQTT alone, and refuses it or drops it."""

    def begin(world: World) -> Callable[[], None]:
        world.city.block(kind)
        return lambda: world.city.block("")

    return begin


def flapping(up_s: float, down_s: float) -> Fault:
    """The network comes and goes."""

    def begin(world: World) -> Callable[[], None]:
        on = [True]

        def down() -> None:
            if on[0]:
                world.city.cut("down")
                world.after(int(down_s * SECOND), up)

        def up() -> None:
            world.city.mend()
            world.after(int(up_s * SECOND), down)

        def end() -> None:
            on[0] = False
            world.city.mend()

        down()
        return end

    return begin


def anew(fault: Fault) -> Fault:
    """The connection ends as this begins, and is made anew."""

    def begin(world: World) -> Callable[[], None]:
        end = fault(world)
        world.city.drop()
        return end

    return begin


def refused(error: Callable[[World], DoorunitError], wait_s: float = 0) -> Fault:
    """The connection ends, and each new one is answered with this."""

    def begin(world: World) -> Callable[[], None]:
        return city(refusal=(int(wait_s * SECOND), lambda: error(world)))(world)

    return anew(begin)


def only_3_1_1(world: World) -> Callable[[], None]:
    """The next connection is told that MQTT 5 is not spoken here, the ones after it are accepted."""
    error = LinkError("broker", found="it does not speak MQTT 5", wanted="MQTT 5", remedy="3.1.1 is tried next.")

    def once() -> DoorunitError:
        world.city.refusal = None
        return error

    world.city.refusal = (0, once)
    world.city.protocol, world.city.window = "3.1.1", 20
    world.city.drop()
    return lambda: None


def said(err: BaseException | str) -> Fault:
    """What sockets and TLS say, as the real link explains it."""
    return refused(lambda world: explain(err, WHERE, world.clock.read()))


def unverified(code: int) -> ssl.SSLCertVerificationError:
    """OpenSSL does not believe the broker's certificate."""
    err = ssl.SSLCertVerificationError(1, "certificate verify failed")
    err.verify_code, err.verify_message = code, "a reason of OpenSSL's"
    return err


def alert(text: str) -> ssl.SSLError:
    """The broker ends TLS with this alert."""
    return ssl.SSLError(1, f"[SSL: {text.upper().replace(' ', '_')}] {text} (_ssl.c:2580)")


def unresolved(code: int) -> socket.gaierror:
    """What the resolver says."""
    return socket.gaierror(code, "the resolver's own words")


unanswered = refused(lambda _: silence(WHERE), 10)


def unsigned(count: int) -> Fault:
    """Somebody who holds the broker sends this many commands a second; each takes a millisecond to see through."""

    def begin(world: World) -> Callable[[], None]:
        on = [True]
        world.verify_takes_ns = MS
        payload = wire.command(wire.Command("c", UNIT, "pulse", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"), bytes)

        def send() -> None:
            if on[0]:
                for _ in range(count):
                    world.loop.post(Incoming(wire.topic(UNIT, "command"), payload))
                world.after(SECOND, send)

        send()
        return partial(on.__setitem__, 0, False)

    return begin
