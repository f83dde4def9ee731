"""A real unit with simulated parts, a real mosquitto and a real station's servers, and all that is said among them."""

import base64
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from edge import wire
from edge.clock import SystemClock
from edge.onsite import forms, keys
from edge.platform.web import Web
from edge.sim.contact import Wire
from edge.station.broker import open_broker
from edge.station.ledger import Ledger
from edge.station.orders import Orders
from edge.station.receiver import Receiver
from edge.uplink.probe import Tls
from tests.station.talker import Client
from tests.station.test_enrolapi import Office
from tests.whole.conftest import until
from tests.whole.flat import UNIT, Flat, InProcess

JSON = dict[str, Any]
EAR, READER = "station-ear", "station-reader"  # one connection each
LID = 27


class Said:
    """One message: where it was said, and the bytes."""

    def __init__(self, topic: str, payload: bytes) -> None:
        self.leaf = topic.rpartition("/")[2]
        self.payload = payload
        self.body: Any = json.loads(payload)

    @property
    def record(self) -> JSON:
        return self.body["data"]["record"]


class Stage:
    """Everything, opened in order. `said` is what the broker heard; `answers` what HTTPS bodies were seen, by name."""

    def __init__(self, folder: Path) -> None:
        self.flat = Flat(folder)
        self.said: list[Said] = []
        self.answers: list[tuple[str, Any]] = []
        self.ledger = Ledger(folder / "station")
        self.office = Office(folder, self.ledger)
        self._open = ExitStack()
        for part in (self.ledger, self.office, self.flat):
            self._open.callback(part.close)
        ca = self.flat.ca
        broker = open_broker(folder / "broker", ca, port=self.flat.port, receivers=("station", EAR, READER))
        self._open.callback(broker.close)
        self._hear(broker)
        tls = (str(ca.ca_file), *map(str, ca.client_files()))
        self._receiver = Receiver(
            self.ledger, SystemClock(), lambda _: None, host="localhost", port=broker.port, tls=tls
        )
        self._open.callback(self._receiver.close)
        assert self._receiver.connected.wait(30)
        self.orders = Orders(ca, SystemClock(), self._receiver.publish)
        self._receiver.on_reply = self.orders.heard
        self.frames = f"https://localhost:{self.office.units.port}"

    def close(self) -> None:
        self._open.close()

    def play(self) -> None:
        """A term with openings, pictures, commands, an alarm, its end and the erasing."""
        sections: JSON = {
            "camera": {"enabled": True, "width": 320, "height": 240},
            "sensors": {"tamper_pin": LID},
            "uplink": {**self.flat.settings()["uplink"], "frames_url": self.frames},
        }
        with InProcess(self.flat, **sections) as unit:
            until(lambda: self.of("event", "boot"))
            until(lambda: self._last("state").get("camera") == "on")
            until(lambda: any(s.record["change"] == "found" for s in self.of("event", "event")))
            for to in ("open", "shut"):
                unit.move(to)
                change = "opened" if to == "open" else to
                until(lambda change=change: any(s.record["change"] == change for s in self.of("event", "event")))
            until(lambda: self.of("event", "frames"))
            Wire(unit._factory, LID).set(False)
            until(lambda: self.of("event", "alarm"))
            self._order("identify", {})
            self._order("visit", {"kind": "doctor", "minutes": 60, "openings": 2})
            self._order("pulse", {})
            until(lambda: self._last("pulse")["backlog"] == 0 and self._last("pulse")["frames_waiting"] == 0)
            self._order("end", {})
            self._order("erase", {})
            until(lambda: any(s.record["what"] == "erased" for s in self.of("event", "audit")))
        until(lambda: not self._last("online")["online"])

    def of(self, leaf: str, kind: str = "") -> list[Said]:
        """What was said on a topic; of records, those of a kind."""
        return [s for s in list(self.said) if s.leaf == leaf and (not kind or s.record["kind"] == kind)]

    def ask_https(self) -> None:
        """What the station answers to frames and to questions, well and not."""
        identity = self.flat.state / "identity"
        tls = Tls(str(identity / "ca.crt"), str(identity / "unit.crt"), str(identity / "unit.key"))
        web = Web(urlsplit(self.frames), tls, 30)
        (name, *_) = [ref["name"] for s in self.of("event", "frames") for ref in s.record["frames"]]
        sealed = (self.flat.folder / "frames" / UNIT / name).read_bytes()
        self.sealed = sealed
        path = f"/v1/units/{UNIT}/frames/"
        self._ask(web, "PUT", path + name, sealed, 200, "frame-stored")
        self._ask(web, "PUT", path + "0" * 64, sealed, 422, "failed")
        self._ask(web, "PUT", "/v1/units/door-9/frames/" + name, sealed, 403, "failed")
        self._ask(web, "GET", path + name, b"", 200, "frame-opened")
        self._ask(web, "GET", path + "0" * 64, b"", 404, "failed")
        desk = Web(urlsplit(f"https://localhost:{self.office.enrol.port}"), Tls(tls.ca), 30)
        token = self.office.desk.tokens(["door-2"])["door-2"]
        for token_, status, told in ((token, 200, "granted"), ("", 202, "waiting"), ("X" * 32, 403, "refused")):
            asking = _asking(token_)
            self.answers.append(("enrol-asking", json.loads(asking)))
            self._ask(desk, "POST", forms.ENROL, asking, status, f"enrol-{told}")
        self._ask(desk, "POST", forms.ENROL, b"[]", 400, "failed")

    def _ask(self, web: Web, method: str, path: str, body: bytes, status: int, name: str) -> None:
        found, told = web.ask(method, path, body, "application/octet-stream")
        assert found == status, told
        self.answers.append((name, json.loads(told)))

    def _order(self, verb: str, wish: JSON) -> None:
        if verb in ("identify", "pulse"):
            reply = self.orders.send(UNIT, verb, wish, 30)
        else:
            reply = self.orders.act(UNIT, verb, wish)
        assert reply.done is not None

    def _last(self, leaf: str) -> JSON:
        return next((s.body for s in reversed(self.said) if s.leaf == leaf), {"backlog": None, "frames_waiting": None})

    def _hear(self, broker: Any) -> None:
        ca = self.flat.ca
        client = Client(broker, EAR, files=(ca.ca_file, *ca.client_files(EAR)))
        client.paho.on_message = lambda _c, _d, m: self.said.append(Said(m.topic, bytes(m.payload)))
        client.up(f"{wire.ROOT}/{UNIT}/#")
        self._open.callback(client.close)


def _asking(token: str) -> bytes:
    key, seed = keys.make_tls_key(), keys.make_sign_seed()
    csr = keys.make_request("door-2", key)
    told = forms.Asking(
        unit="door-2",
        csr=csr.decode(),
        verify_key=base64.b64encode(keys.verify_key_of(seed)).decode(),
        proof=base64.b64encode(keys.sign(seed, csr)).decode(),
        token=token,
    )
    return msgspec.json.encode(told)
