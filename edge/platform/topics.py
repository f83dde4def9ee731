"""What a platform's broker lets a unit do: TLS, versions, own topics, a neighbour's, retained messages, the will."""

import queue
from collections.abc import Iterator

from edge import wire
from edge.platform import posts
from edge.platform.draft import PREFIX, Drafts
from edge.platform.rows import Row, judge, unseen, well, wrong
from edge.platform.talk import MqttLine
from edge.uplink.probe import Answer, Probe, Tls

_READER = "give --reader CERTIFICATE KEY: a receiver's certificate of its own"


class Table:
    """One broker. `line` is there once `connect` found a way in."""

    def __init__(self, host: str, port: int, ours: Tls, reader: Tls | None, within_s: float) -> None:
        self._where = (host, port)
        self._ours, self._reader, self._within_s = ours, reader, within_s
        self._open: list[Probe] = []
        self._v5 = True
        self._ear: Probe | None = None
        self.line: MqttLine | None = None

    def connect(self, drafts: Drafts) -> Iterator[Row]:
        """Rows tls, tls.client and mqtt. Raises OSError, ValueError where the handshake itself fails."""
        self._unit = unit = drafts.unit
        self._drafts = drafts
        found: list[str] = []
        for v5 in (True, False):
            probe, answer = self._dial(self._ours, unit, v5=v5)
            if not found:
                yield well("tls", "the server's certificate is as it should be")
                yield self._stranger()
            found.append(f"{'5' if v5 else '3.1.1'}: {answer.words}")
            if answer.well:
                self._probe, self._v5 = probe, v5
                self.line = MqttLine(probe, unit)
                yield well("mqtt", found[-1])
                return
            probe.close()
        yield wrong("mqtt", "; ".join(found))

    def rows(self) -> Iterator[Row]:
        """Rows of the topics, in their order."""
        yield self._own()
        yield self._neighbour()
        yield self._retained()

    def command(self, key: bytes) -> Row:
        """Whether the commands that came while all this went on are signed."""
        came = [body for topic, body in self._others() if topic == wire.topic(self._unit, "command")]
        return posts.verdict(came, key, self._unit)

    def will(self) -> Row:
        """The last thing: it breaks the connection."""
        if self._ear is None:
            return unseen("online.will", _READER)
        self._probe.cut()
        topic = wire.topic(self._unit, "online")
        heard = self._hears(self._ear, topic, b'"online":false')
        return judge("online.will", heard, "published" if heard else f"nothing within {self._within_s:g} s")

    def close(self) -> None:
        """End every connection; safe to repeat."""
        for probe in self._open:
            probe.close()

    def _dial(self, tls: Tls, name: str, *, v5: bool = True) -> tuple[Probe, Answer]:
        will = wire.topic(name, "online") if tls == self._ours else ""
        probe = Probe(*self._where, tls, name, v5=v5, will=will)
        self._open.append(probe)
        return probe, probe.connect(self._within_s)

    def _stranger(self) -> Row:
        """Without a certificate: TLS 1.3 says no only after the client's handshake is over."""
        try:
            probe, answer = self._dial(Tls(self._ours.ca), f"{PREFIX}nobody")
        except (OSError, ValueError) as err:
            return well("tls.client", str(err))
        probe.close()
        return judge("tls.client", not answer.well, answer.words)

    def _own(self) -> Row:
        for leaf in ("receipt", "command"):
            answer = self._probe.subscribe(wire.topic(self._unit, leaf), self._within_s)
            if not answer.well:
                return wrong("topics.own", f"{leaf}: {answer.words}")
        for leaf, payload in posts.messages(self._drafts).items():
            retain = leaf in ("online", "state")
            answer = self._probe.publish(wire.topic(self._unit, leaf), payload, self._within_s, retain=retain)
            if not answer.well:
                return wrong("topics.own", f"{leaf}: {answer.words}")
        return well("topics.own", "taken" if self._v5 else "acknowledged, as 3.1.1 does in any case")

    def _neighbour(self) -> Row:
        """A connection of its own, for a broker may end it."""
        name = "topics.neighbour"
        topic = wire.topic(f"{PREFIX}neighbour", "reply")
        if not self._v5:
            return unseen(name, "MQTT 3.1.1 acknowledges what it throws away; look at the broker's access list")
        answer = self._probe.publish(topic, b'{"id":"wirecheck","done":false,"said":""}', self._within_s)
        if not self._probe.up:
            self._again()
        return judge(name, not answer.well, answer.words)

    def _again(self) -> None:
        self._probe, _ = self._dial(self._ours, self._unit, v5=self._v5)
        for leaf in ("receipt", "command"):
            self._probe.subscribe(wire.topic(self._unit, leaf), self._within_s)
        self.line = MqttLine(self._probe, self._unit)

    def _retained(self) -> Row:
        if not self._probe.retains:
            return wrong("topics.retained", "the broker says that it keeps none")
        if self._reader is None:
            return unseen("topics.retained", _READER)
        try:
            self._ear, answer = self._dial(self._reader, f"{PREFIX}reader", v5=self._v5)
        except (OSError, ValueError) as err:
            return unseen("topics.retained", f"the reader: {err}")
        if not answer.well:
            self._ear = None
            return unseen("topics.retained", f"the reader: {answer.words}")
        for leaf in ("state", "online"):
            self._ear.subscribe(wire.topic(self._unit, leaf), self._within_s)
            if not self._hears(self._ear, wire.topic(self._unit, leaf), b"", retained=True):
                return wrong("topics.retained", f"nothing on {leaf}")
        return well("topics.retained", "state and online")

    def _hears(self, ear: Probe, topic: str, part: bytes, *, retained: bool = False) -> bool:
        """Whether such a message comes in time; what else comes before it is passed over."""
        while True:
            try:
                heard = ear.inbox.get(timeout=self._within_s)
            except queue.Empty:
                return False
            if heard.topic == topic and part in heard.payload and heard.retained >= retained:
                return True

    def _others(self) -> list[tuple[str, bytes]]:
        return self.line.others if self.line is not None else []
