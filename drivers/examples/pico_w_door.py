"""A door watched by a Raspberry Pi Pico W: the unit's reed driver and the unit's wire, without camera and card.

    mpremote mip install umqtt.simple
    mpremote cp drivers/reed.py drivers/examples/pico_w_wire.py :
    mpremote cp drivers/examples/pico_w_door.py :main.py
    mpremote cp door.json ca.der cert.der key.der :

door.json: unit, host, port, ssid, password, pin (GPIO to ground through the reed, as on the unit).

Records are published with QoS 0 and again until the platform's receipt: umqtt waits for a PUBACK without end, and
on a link that is dead the board would not watch its door meanwhile. The receipt is what counts, on any QoS.
"""

import json
import time
from binascii import hexlify

try:
    from drivers.examples.pico_w_wire import VERSION, BoardClock, Door, Outbox, message, online, pulse, state, topic
    from drivers.reed import Reed
except ImportError:  # copied flat
    from pico_w_wire import VERSION, BoardClock, Door, Outbox, message, online, pulse, state, topic
    from reed import Reed

WINDOW = 8  # records in flight
RESEND_MS = 10_000
PULSE_MS = 20_000
SILENT_MS = 45_000  # records wait and no receipt comes: connect anew. umqtt does not tell whether a ping was answered
RETRY_MS = 5000
JOIN_MS = 15_000
NTP_MS = 3_600_000
WATCHDOG_MS = 8000  # the RP2040's longest is 8388
CONNECT_S = 5  # one step of connecting; less than the watchdog's time


class Sender:
    """What is told, and when, over one MQTT client in umqtt's shape. Times are ticks_ms; diff: time.ticks_diff."""

    def __init__(self, unit, clock, door, outbox, diff):
        self._unit = unit
        self._clock = clock
        self._door = door
        self._outbox = outbox
        self._diff = diff
        self._client = None
        self._sent = {}  # seq -> when it was last sent
        self._heard_ms = 0  # the last receipt, or when there was nothing to wait for
        self._pulse_ms = 0
        self._state = None

    def begin(self, client, now_ms):
        """The client is connected: say so, ask for receipts, and send all anew."""
        client.set_callback(self._receive)
        client.subscribe(topic(self._unit, "receipt"), 1)
        client.publish(topic(self._unit, "online"), online(self._clock.boot, True), retain=True)
        self._client = client
        self._sent, self._state = {}, None
        self._heard_ms = now_ms
        self._pulse_ms = now_ms - PULSE_MS

    def step(self, now_ms, boot_ns, glitches):
        """Take in what came, send what is due. Raises OSError where the link is broken, or silent for too long."""
        waiting = len(self._outbox.records)
        self._client.check_msg()
        if waiting != len(self._outbox.records) or not waiting:
            self._heard_ms = now_ms
        if self._diff(now_ms, self._heard_ms) >= SILENT_MS:
            raise OSError(110, "no receipt for %d ms with %d records waiting" % (SILENT_MS, waiting))
        self._outbox.tell_gap(self._clock.stamp(boot_ns))
        for record in self._outbox.records[:WINDOW]:
            sent_ms = self._sent.get(record["seq"])
            if sent_ms is None or self._diff(now_ms, sent_ms) >= RESEND_MS:
                self._sent[record["seq"]] = now_ms
                self._client.publish(topic(self._unit, "event"), message(self._unit, record, self._clock.anchor))
        told = state(self._door, self._clock.anchor)
        if told != self._state:
            self._state = told
            self._client.publish(topic(self._unit, "state"), told, retain=True)
        if self._diff(now_ms, self._pulse_ms) >= PULSE_MS:
            self._pulse_ms = now_ms
            told = pulse(self._clock, boot_ns, self._door, self._outbox, glitches)
            self._client.publish(topic(self._unit, "pulse"), told)

    def _receive(self, _topic, payload):
        self._outbox.receipt(payload)
        waiting = set([record["seq"] for record in self._outbox.records])
        self._sent = {seq: ms for seq, ms in self._sent.items() if seq in waiting}


class Watch:
    """The whole door on one board: what `Board` is below, or a simulated one. `turn` is one turn of its loop."""

    def __init__(self, board, unit):
        self.clock = BoardClock(hexlify(board.random(16)).decode(), board.us(), board.diff)
        self.outbox = Outbox(hexlify(board.random(8)).decode())
        self.door = Door(self.clock, self.outbox)
        self.reed = Reed(diff=board.diff)
        self._board = board
        self._unit = unit
        self._sender = Sender(unit, self.clock, self.door, self.outbox, board.diff)
        self._linked = False
        self._tried_ms = None  # to connect
        self._asked_ms = None  # for the time
        self._synced = False
        self.outbox.put("boot", self.clock.stamp(0), {"version": VERSION, "clean": False, "new_boot": True})

    def turn(self):
        """Look at the door, then at the link; returns the milliseconds until the next turn."""
        board = self._board
        for edge_us in board.edges():
            self.reed.edge(edge_us)
        now_us = board.us()
        now_ns = self.clock.at(now_us)  # in every turn: ticks wrap after 17 minutes
        report = self.reed.sample(now_us, board.closed())
        if report:
            self.door.report(report)
        try:
            self._link(board.ms(), now_ns)
        except Exception as err:  # umqtt has assertions and index errors of its own for a link that breaks
            print("link: %s: %s; again in %d ms" % (type(err).__name__, err, RETRY_MS))
            self._linked = False
        return min(20, self.reed.wait_us(board.us()) // 1000 + 1)

    def _link(self, now_ms, now_ns):
        board = self._board
        if board.joined() and self._due(self._asked_ms, now_ms, NTP_MS if self._synced else RETRY_MS):
            self._asked_ms = now_ms
            self._synced = False
            utc_s = board.utc_s()
            self._synced = True
            # the answer took its time: right after it, not when the turn began
            self.outbox.put("anchor", self.clock.sync(self.clock.at(board.us()), utc_s))
        if not self._linked and self.clock.anchor and self._due(self._tried_ms, now_ms, RETRY_MS):
            self._tried_ms = now_ms
            self._sender.begin(board.connect(self._unit, online(self.clock.boot, False)), now_ms)
            self._linked = True
        if self._linked:
            self._sender.step(now_ms, now_ns, self.reed.glitches)

    def _due(self, last_ms, now_ms, every_ms):
        return last_ms is None or self._board.diff(now_ms, last_ms) >= every_ms


class Board:
    """The Pico W itself: pin, network and clock. The only part that no test can run without one."""

    diff = staticmethod(getattr(time, "ticks_diff", None))  # clock: no reading; the board's own subtraction

    def __init__(self, settings):
        import machine
        import network

        self._settings = settings
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._edges = []
        self._asked_ms = None
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        self._pin = machine.Pin(settings["pin"], machine.Pin.IN, machine.Pin.PULL_UP)
        self._pin.irq(self._edge, machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING)

    def _edge(self, _pin):
        if len(self._edges) < 256:  # more is chatter, and sampling sees that by itself
            self._edges.append(self.us())

    def edges(self):
        """The ticks of the edges since this was last asked, in order."""
        taken, self._edges = self._edges, []
        return taken

    def closed(self):
        """The contact's level now."""
        return self._pin.value() == 0

    def us(self):
        """Ticks in microseconds; they wrap."""
        return time.ticks_us()  # clock: the board's own

    def ms(self):
        """Ticks in milliseconds; they wrap."""
        return time.ticks_ms()  # clock: the board's own

    def random(self, nbytes):
        """So many random bytes."""
        import os

        return os.urandom(nbytes)

    def rest(self, ms):
        """Sleep, and feed the watchdog: a board that hangs starts anew."""
        self._watchdog.feed()
        time.sleep_ms(ms)  # clock: the loop's pause

    def joined(self):
        """Whether the network is there; asks for it where it is not, and then gives it JOIN_MS before it asks again."""
        if self._wlan.isconnected():
            return True
        now_ms = self.ms()
        if self._asked_ms is None or self.diff(now_ms, self._asked_ms) >= JOIN_MS:
            self._asked_ms = now_ms
            self._wlan.connect(self._settings["ssid"], self._settings["password"])
        return False

    def utc_s(self):
        """UTC from the network in seconds since 1970; sets the board's clock, which certificates are judged by."""
        import ntptime

        ntptime.settime()
        return time.time() + (946_684_800 if time.gmtime(0)[0] == 2000 else 0)  # clock: just set by the network

    def connect(self, unit, last_will):
        """A connected MQTT client, by umqtt 1.4 or newer. Raises OSError, MQTTException and what umqtt stumbles on."""
        import ssl

        from umqtt.simple import MQTTClient

        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        with open("ca.der", "rb") as ca, open("cert.der", "rb") as cert:
            context.load_verify_locations(cadata=ca.read())
            with open("key.der", "rb") as key:
                context.load_cert_chain(cert.read(), key.read())
        client = MQTTClient(unit, settings["host"], settings["port"], keepalive=60, ssl=context)
        client.set_last_will(topic(unit, "online"), last_will, retain=True, qos=1)
        client.connect(True, CONNECT_S)
        return client


def main():
    """Watch the door for ever."""
    with open("door.json") as file:
        settings = json.load(file)
    board = Board(settings)
    watch = Watch(board, settings["unit"])
    while True:
        board.rest(watch.turn())


if __name__ == "__main__":
    main()
