"""IoT hubs as their makers describe them: what a device may say, to the letter, and how they answer.

Written from the hubs' own pages (the addresses stand in edge/uplink/profiles), not from our profiles.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from edge.clock import SECOND

JSON = dict[str, Any]
Answers = list[tuple[str, bytes]]
DAY_S = 86_400


class Misspoken(Exception):  # noqa: N818 - a finding about the device, said where it is found
    """What the device said is not what this hub takes."""


class ShapedHub:
    """One device's end of a hub. `held`: what it took, in order. `refusing`: it answers that it does not take it."""

    device, product, secret = "door-17", "a1B2c3D4e5F", "s3cr3t"
    subscribed: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.held: list[JSON] = []
        self.refusing = False

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """Raises Misspoken."""
        raise NotImplementedError

    def take(self, topic: str, payload: bytes) -> Answers:
        """One message; what the hub sends back. Raises Misspoken."""
        raise NotImplementedError


class ThingsBoard(ShapedHub):
    """thingsboard.io/docs/reference/mqtt-api."""

    subscribed = ("v1/devices/me/rpc/request/+",)

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """The access token is the user name."""
        _want(user_name == self.secret and not password, "the access token as user name, and no password")

    def take(self, topic: str, payload: bytes) -> Answers:
        """Telemetry with its own time, or attributes."""
        told = _json(payload)
        if topic == "v1/devices/me/telemetry":
            _exactly(told, {"ts": int, "values": dict})
            _flat(told["values"])
            _want(10**12 < told["ts"] < 10**13, "ts in milliseconds")
            self.held.append(told)
        elif topic == "v1/devices/me/attributes":
            _flat(told)
        else:
            _want(bool(re.fullmatch(r"v1/devices/me/rpc/response/\d+", topic)), f"one of its topics, not {topic}")
        return []


class Huawei(ShapedHub):
    """IoTDA."""

    subscribed = ("$oc/devices/door-17/sys/commands/#", "$oc/devices/door-17/sys/events/down")

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, int] = {}  # object -> what the device said of it: 0 is well

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """HMAC-SHA256 of the secret with the hour as its key."""
        hour = datetime.fromtimestamp(now_ns // SECOND, UTC).strftime("%Y%m%d%H")
        _want(client_id == f"{self.device}_0_1_{hour}", "deviceId_0_1_YYYYMMDDHH")
        _want(user_name == self.device, "the device id as user name")
        _want(password == hmac.new(hour.encode(), self.secret.encode(), hashlib.sha256).hexdigest(), "its signature")

    def take(self, topic: str, payload: bytes) -> Answers:
        """Properties, events, and answers to commands."""
        told, root = _json(payload), f"$oc/devices/{self.device}/sys/"
        if topic.startswith(f"{root}commands/response/request_id="):
            _want(isinstance(told.get("result_code"), int), "a result_code")
            return []
        inner = {f"{root}properties/report": "properties", f"{root}events/up": "paras"}.get(topic)
        _want(inner is not None, f"one of its topics, not {topic}")
        if told["services"][0].get("service_id") == "$file_manager":
            return self._file(told["services"][0])
        for service in told["services"]:
            _want(isinstance(service.get("service_id"), str), "a service_id")
            _want(bool(re.fullmatch(r"\d{8}T\d{6}Z", service.get("event_time", ""))), "event_time yyyyMMddTHHmmssZ")
            _want(inner == "properties" or isinstance(service.get("event_type"), str), "an event_type")
            _flat(service[inner or ""])
        self.held.append(told)
        return []

    def _file(self, service: JSON) -> Answers:
        """A file is announced, and gets an address; or it was put there."""
        paras = service["paras"]
        if service["event_type"] == "upload_result_report":
            _exactly(paras, {"object_name": str, "result_code": int, "status_code": int})
            self.files[paras["object_name"]] = paras["result_code"]
            return []
        _want(service["event_type"] == "get_upload_url", "an event of $file_manager")
        _exactly(paras, {"file_name": str, "file_attributes": dict})
        _exactly(paras["file_attributes"], {"hash_code": str, "size": int})
        name = f"c6b39067b0_12345678_{paras['file_name']}"
        where = {"url": f"https://bucket.example/{name}?Signature=x", "object_name": name, "expire": 3600}
        answer = {"service_id": "$file_manager", "event_type": "get_upload_url_response", "paras": where}
        topic = f"$oc/devices/{self.device}/sys/events/down"
        return [(topic, json.dumps({"object_device_id": self.device, "services": [answer]}).encode())]


class Aliyun(ShapedHub):
    """Alink JSON."""

    subscribed = (
        "/sys/a1B2c3D4e5F/door-17/thing/event/door/post_reply",
        "/sys/a1B2c3D4e5F/door-17/thing/event/unit/post_reply",
        "/sys/a1B2c3D4e5F/door-17/thing/service/+",
    )

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """HMAC-SHA256 of names and values in the order of the alphabet."""
        form = re.fullmatch(r"([\w-]{1,64})\|securemode=2,signmethod=hmacsha256,timestamp=(\d{13})\|", client_id)
        _want(form is not None, "clientId|securemode=2,signmethod=hmacsha256,timestamp=<ms>|")
        _want(user_name == f"{self.device}&{self.product}", "deviceName&productKey")
        content = (
            f"clientId{form and form[1]}deviceName{self.device}productKey{self.product}timestamp{form and form[2]}"
        )
        wanted = hmac.new(self.secret.encode(), content.encode(), hashlib.sha256).hexdigest()
        _want(password.lower() == wanted, "its signature")

    def take(self, topic: str, payload: bytes) -> Answers:
        """An event, answered on _reply."""
        told = _json(payload)
        form = re.fullmatch(f"/sys/{self.product}/{self.device}/thing/event/(\\w+)/post", topic)
        _want(form is not None, f"one of its topics, not {topic}")
        _exactly(told, {"id": str, "version": str, "sys": dict, "method": str, "params": dict})
        _want(told["id"].isdigit() and int(told["id"]) < 2**32, "an id that is a number below 2**32, as text")
        _want(told["method"] == f"thing.event.{form and form[1]}.post", "the method of the topic")
        _exactly(told["params"], {"value": dict, "time": int})
        _flat(told["params"]["value"])
        code = 6401 if self.refusing else 200
        if not self.refusing:
            self.held.append(told)
        answer = {
            "code": code,
            "data": {},
            "id": told["id"],
            "message": "success" if code == 200 else "tsl parse error",
        }
        return [(f"{topic}_reply", json.dumps({**answer, "method": told["method"], "version": "1.0"}).encode())]


class OneNet(ShapedHub):
    """Data points."""

    secret = base64.b64encode(b"an access key of the device").decode()
    subscribed = (
        "$sys/a1B2c3D4e5F/door-17/dp/post/json/accepted",
        "$sys/a1B2c3D4e5F/door-17/dp/post/json/rejected",
    )

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """A token that has not ended."""
        _want((client_id, user_name) == (self.device, self.product), "device name and product id")
        token = {key: values[0] for key, values in parse_qs(password, strict_parsing=True).items()}
        res = f"products/{self.product}/devices/{self.device}"
        _want(token["res"] == res and token["version"] == "2018-10-31", "its resource and version")
        _want(int(token["et"]) > now_ns // SECOND, "an end that is still to come")
        text = f"{token['et']}\n{token['method']}\n{res}\n2018-10-31"
        made = hmac.new(base64.b64decode(self.secret), text.encode(), token["method"]).digest()
        _want(token["sign"] == base64.b64encode(made).decode(), "its signature")

    def take(self, topic: str, payload: bytes) -> Answers:
        """Data points, answered on accepted or rejected."""
        told = _json(payload)
        _want(topic == f"$sys/{self.product}/{self.device}/dp/post/json", f"its topic, not {topic}")
        _exactly(told, {"id": int, "dp": dict})
        for points in told["dp"].values():
            for point in points:
                _exactly(point, {"v": dict, "t": int})
                _want(10**9 < point["t"] < 10**10, "t in seconds")
        if self.refusing:
            return [(f"{topic}/rejected", json.dumps({"id": told["id"], "err_code": 4003, "err_msg": "full"}).encode())]
        self.held.append(told)
        return [(f"{topic}/accepted", json.dumps({"id": told["id"]}).encode())]


class HomeAssistant(ShapedHub):
    """Device discovery, binary_sensor and event."""

    def __init__(self) -> None:
        super().__init__()
        self.device_told: JSON = {}
        self.state: JSON = {}
        self.available = ""

    def login(self, client_id: str, user_name: str, password: str, now_ns: int) -> None:
        """As the broker's."""
        _want((user_name, password) == (self.device, self.secret), "the broker's user and password")

    def take(self, topic: str, payload: bytes) -> Answers:
        """What is retained, and events of the types that were announced."""
        if re.fullmatch(r"homeassistant/device/[\w-]+/config", topic):
            self.device_told = _json(payload)
            for name in ("dev", "o", "cmps"):
                _want(isinstance(self.device_told.get(name), dict), f"{name} in a device's discovery")
            for part in self.device_told["cmps"].values():
                _want({"p", "unique_id", "state_topic"} <= part.keys(), "p, unique_id and state_topic in each part")
        elif topic == self.device_told.get("availability_topic", topic) and payload in (b"online", b"offline"):
            self.available = payload.decode()
        else:
            told = _json(payload)
            parts = [part for part in self.device_told["cmps"].values() if part["state_topic"] == topic]
            _want(bool(parts), f"a topic that was announced, not {topic}")
            if parts[0]["p"] == "event":
                _want(told.get("event_type") in parts[0]["event_types"], "an event_type that was announced")
                self.held.append(told)
            else:
                self.state = told
        return []


HUBS: dict[str, Callable[[], ShapedHub]] = {
    "thingsboard": ThingsBoard,
    "huawei-iotda": Huawei,
    "aliyun-iot": Aliyun,
    "onenet": OneNet,
    "home-assistant": HomeAssistant,
}


def _want(right: bool, wanted: str) -> None:
    if not right:
        raise Misspoken(f"want {wanted}")


def _json(payload: bytes) -> JSON:
    told = json.loads(payload)
    _want(isinstance(told, dict), "a JSON object")
    return dict(told)


def _exactly(told: JSON, shape: dict[str, type]) -> None:
    found = {name: type(value) for name, value in told.items()}
    _want(found == shape, f"{shape}, not {found}")


def _flat(told: JSON) -> None:
    for name, value in told.items():
        _want(isinstance(value, str | int | float | bool), f"a value for {name}, not {value!r}")
