"""What was sent and what the platform has given a receipt for, over MQTT or HTTPS alike."""

import queue
from collections.abc import Iterable
from typing import Protocol

from edge import wire
from edge.clock import SECOND, Clock
from edge.errors import WireError
from edge.platform.web import Web, words
from edge.uplink.probe import Probe


class Line(Protocol):
    """How records go up, and receipts come down."""

    def send(self, payloads: list[bytes]) -> None:
        """Hand over records; answered by receipts."""
        ...

    def hear(self, within_s: float) -> bytes | None:
        """The next receipt as it came, or None."""
        ...

    def up(self) -> bool:
        """Whether it still stands."""
        ...


class MqttLine:
    """Over one connection. What is no receipt of this unit is left in `others`."""

    def __init__(self, probe: Probe, unit: str) -> None:
        self._probe = probe
        self._event, self._receipt = wire.topic(unit, "event"), wire.topic(unit, "receipt")
        self.others: list[tuple[str, bytes]] = []

    def send(self, payloads: list[bytes]) -> None:
        """Each as a message of QoS 1."""
        for payload in payloads:
            self._probe.hand(self._event, payload)

    def hear(self, within_s: float) -> bytes | None:
        """The next receipt, or None."""
        try:
            heard = self._probe.inbox.get(timeout=max(0.0, within_s))
        except queue.Empty:
            return None
        if heard.topic == self._receipt:
            return heard.payload
        self.others.append((heard.topic, heard.payload))
        return b""

    def up(self) -> bool:
        """Whether the connection stands."""
        return self._probe.up


class HttpsLine:
    """Each batch is one request, and its answer the receipt."""

    BATCH = 100

    def __init__(self, web: Web, unit: str) -> None:
        self._web, self._path = web, f"/v1/units/{unit}/events"
        self._receipts: list[bytes] = []
        self.said = ""  # where the last answer was no receipt

    def send(self, payloads: list[bytes]) -> None:
        """So many at a time."""
        for at in range(0, len(payloads), self.BATCH):
            batch = b"[" + b",".join(payloads[at : at + self.BATCH]) + b"]"
            status, body = self._web.ask("POST", self._path, batch, "application/cloudevents-batch+json")
            if status == 200:
                self._receipts.append(body)
            else:
                self.said = words(status, body)

    def hear(self, within_s: float) -> bytes | None:
        """The next receipt, or None."""
        return self._receipts.pop(0) if self._receipts else None

    def up(self) -> bool:
        """Requests stand alone."""
        return True


class Talk:
    """Keeps count. Blocks in `held` alone."""

    def __init__(self, line: Line, epoch: str, clock: Clock) -> None:
        self.line = line
        self._epoch, self._clock = epoch, clock
        self._sent: set[int] = set()
        self._held: set[int] = set()
        self.garbled: list[str] = []  # receipts that cannot be read
        self.strays: list[str] = []  # receipts for what was never sent
        self.count = 0  # receipts that could be read

    def send(self, *records: tuple[int, bytes]) -> list[int]:
        """Send (seq, payload) of each; the seqs. A receipt that came for one earlier counts no more."""
        seqs = [seq for seq, _ in records]
        self._sent.update(seqs)
        self._held.difference_update(seqs)
        self.line.send([payload for _, payload in records])
        return seqs

    def held(self, seqs: Iterable[int], within_s: float, *, steady: bool = False) -> bool:
        """Whether receipts for all of these come in time; steady: each within `within_s` of the one before."""
        wanted, ends_ns, count = set(seqs), self._clock.now() + int(within_s * SECOND), self.count
        while not wanted <= self._held:
            if steady and self.count > count:
                ends_ns, count = self._clock.now() + int(within_s * SECOND), self.count
            payload = self.line.hear((ends_ns - self._clock.now()) / SECOND)
            if payload is None:
                return False
            if payload:
                self._read(payload)
        return True

    def missing(self, seqs: Iterable[int]) -> int:
        """How many of these have no receipt."""
        return len(set(seqs) - self._held)

    def has(self, seq: int) -> bool:
        """Whether this one has a receipt."""
        return seq in self._held

    def listen(self, within_s: float) -> None:
        """Take in whatever still comes for so long."""
        self.held([0], within_s)

    def _read(self, payload: bytes) -> None:
        try:
            receipt = wire.read_receipt(payload)
        except WireError as err:
            self.garbled.append(f"{payload[:120]!r} ({err.found})")
            return
        if not receipt.stored:  # it promises nothing; a batch of which nothing can be taken is answered so
            return
        self.count += 1
        if receipt.epoch != self._epoch:
            self.strays.append(f"epoch {receipt.epoch!r}")
            return
        for low, high in receipt.stored:
            never = [seq for seq in range(low, min(high, low + 10_000) + 1) if seq not in self._sent]
            self._held.update(seq for seq in self._sent if low <= seq <= high)
            self.strays += [f"seq {never[0]}"] if never else []
