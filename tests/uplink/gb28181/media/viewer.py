"""A unit that can be watched, and a platform's end of one stream."""

import socket

from edge.clock import SystemClock
from edge.uplink.gb28181.live import Live
from edge.uplink.gb28181.sender import Waits
from edge.uplink.gb28181.views import ViewBegan, ViewEnded
from tests.uplink.gb28181.media import offers, receiver

DEVICE = "31011500011327000001"
WITHIN_S = 10


class Unit:
    """A Live whose term may end at any time."""

    def __init__(self, reel, watcher, **kwargs):
        self.why_not = ""
        self.reel, self.watcher = reel, watcher
        waits = kwargs.pop("waits", Waits(again=0.01))
        self.live = Live(DEVICE, reel, watcher, SystemClock().now, lambda: self.why_not, waits=waits, **kwargs)

    def watch(self, offer, call="a"):
        """Offer and ACK; the answer."""
        answer = self.live.offer(call, offer)
        self.live.begin(call)
        return answer

    def began(self):
        assert isinstance(self.watcher.facts.get(timeout=WITHIN_S), ViewBegan)
        assert self.reel.running.wait(WITHIN_S)

    def ended(self) -> ViewEnded:
        fact = self.watcher.facts.get(timeout=WITHIN_S)
        assert isinstance(fact, ViewEnded)
        return fact


class Ear:
    """A media server's end of one stream, by any way."""

    def __init__(self, sock, *, framed):
        sock.settimeout(WITHIN_S)
        self.packets = []
        self._sock, self._framed = sock, framed

    def picture(self):
        """Take packets until one has the marker."""
        while True:
            self.packets.append(self._packet())
            if receiver.rtp(self.packets[-1]).marker:
                return

    def _packet(self):
        if not self._framed:
            return self._sock.recv(2000)
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            data += (more := self._sock.recv(size - len(data)))
            if not more:
                raise EOFError
        return data


def hear(unit, way, closing_):
    """Have the unit send by this way; the ear it sends to."""
    if way == "udp":
        sock = closing_.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1", 0))
        unit.watch(offers.at(offers.WVP_UDP, sock.getsockname()[1]))
    elif way == "tcp":
        server = closing_.enter_context(socket.create_server(("127.0.0.1", 0)))
        unit.watch(offers.at(offers.SRS_TCP, server.getsockname()[1]))
        sock = closing_.enter_context(server.accept()[0])
    else:
        answer = unit.watch(offers.WVP_ACTIVE)
        port = int(answer.partition(b"m=video ")[2].split()[0])
        sock = closing_.enter_context(socket.create_connection(("127.0.0.1", port), WITHIN_S))
    return Ear(sock, framed=way != "udp")
