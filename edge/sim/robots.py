"""What the phone services say to a request, as the real ones do: key, signature, clock, shape, size and rate.

Written from their documentation and from answers that others recorded, not from edge/alert: it checks that one.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

HOUR_S = 3600
KEY, TOKEN, SECRET, TOPIC = "693a91f6-7xxx", "5f6e4ab2c9", "SEC0a1b2c3d4e5f", "door-9fk2q7"  # noqa: S105 - simulated robots'
FEISHU_TOKEN, FEISHU_SECRET, NTFY_TOKEN = "fbc1f2a0-11ee", "x1yz2w3v", "tk_7yt6nlz6mks5"  # noqa: S105 - as above
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG"


class Request(msgspec.Struct, frozen=True):
    """One request as it came in; `wall_s` is the service's own clock."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    wall_s: float

    def json(self) -> dict[str, Any]:
        """The body's object; {} where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Taken(msgspec.Struct, frozen=True):
    """What a group would see."""

    channel: str
    text: str = ""
    picture: bytes = b""
    everybody: bool = False
    title: str = ""
    priority: int = 0


Verdict = tuple[int, dict[str, object], Taken | None]  # status, answer, what the group sees


class Rate:
    """At most `count` within `within_s`."""

    def __init__(self, count: int, within_s: int) -> None:
        self._within_s = within_s
        self._count = count
        self._seen: deque[float] = deque()

    def spent(self, wall_s: float) -> bool:
        """Count one more, where there is room."""
        while self._seen and wall_s - self._seen[0] >= self._within_s:
            self._seen.popleft()
        if len(self._seen) >= self._count:
            return True
        self._seen.append(wall_s)
        return False


def wecom(key: str, *, per_minute: int = 20) -> Callable[[Request], Verdict]:
    """A WeCom group robot."""
    rate = Rate(per_minute, 60)

    def judge(request: Request) -> Verdict:
        body = request.json()
        kind = body.get("msgtype")
        part = body.get(str(kind), {})
        if request.query.get("key") != key:
            hint = f"hint: [1708397705], from ip: 127.0.0.1, key {request.query.get('key')}"
            return _wecom(93000, f"invalid webhook url, {hint}")
        if kind not in ("text", "image") or not isinstance(part, dict):
            return _wecom(40008, "invalid message type")
        if rate.spent(request.wall_s):
            return _wecom(45009, "api freq out of limit, hint: [1708397706]")
        if kind == "text":
            text = part.get("content", "")
            if not text:
                return _wecom(44004, "empty content")
            if len(text.encode()) > 2048:
                return _wecom(40058, "text.content exceed max length 2048")
            return (
                200,
                {"errcode": 0, "errmsg": "ok"},
                Taken("wecom", text, everybody="@all" in part.get("mentioned_list", [])),
            )
        return _wecom_image(part)

    return judge


def _wecom_image(part: Mapping[str, Any]) -> Verdict:
    try:
        picture = base64.b64decode(part.get("base64", ""), validate=True)
    except binascii.Error:
        return _wecom(301019, "media file base64 decode fail")
    if len(picture) > 2 * 1024 * 1024:
        return _wecom(40009, "invalid image size")
    if not picture.startswith((_JPEG, _PNG)):
        return _wecom(40005, "invalid file type")
    if hashlib.md5(picture, usedforsecurity=False).hexdigest() != part.get("md5"):
        return _wecom(301019, "media md5 not match")
    return 200, {"errcode": 0, "errmsg": "ok"}, Taken("wecom", picture=picture)


def _wecom(code: int, words: str) -> Verdict:
    return (
        200,
        {"errcode": code, "errmsg": f"{words}, more info at https://open.work.weixin.qq.com/devtool/query?e={code}"},
        None,
    )


def dingtalk(token: str, secret: str, *, keyword: str = "", per_minute: int = 20) -> Callable[[Request], Verdict]:
    """A DingTalk group robot that is secured by signing, and by a keyword where one is given."""
    rate = Rate(per_minute, 60)

    def judge(request: Request) -> Verdict:
        query, body = request.query, request.json()
        if query.get("access_token") != token:
            return _dingtalk(300005, "token is not exist")
        text = str(body.get("text", {}).get("content", ""))
        said = _dingtalk_security(query, secret, request.wall_s)
        if said or keyword not in text:
            return _dingtalk(310000, f"{said or 'keywords not in content'}, more: [https://ding-doc.dingtalk.com/doc]")
        if body.get("msgtype") != "text" or not text:
            return _dingtalk(40035, "param error")
        if len(request.body) > 20_000:
            return _dingtalk(460101, "message too long, exceed 20000 bytes")
        if rate.spent(request.wall_s):
            return _dingtalk(130101, "send too fast, exceed 20 times per minute")
        everybody = bool(body.get("at", {}).get("isAtAll"))
        return 200, {"errcode": 0, "errmsg": "ok"}, Taken("dingtalk", text, everybody=everybody)

    return judge


def _dingtalk_security(query: Mapping[str, str], secret: str, wall_s: float) -> str:
    stamp = query.get("timestamp", "")
    if not secret:
        return ""
    if not stamp.isdecimal() or abs(int(stamp) / 1000 - wall_s) > HOUR_S:
        return "invalid timestamp"
    mac = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return "" if query.get("sign") == base64.b64encode(mac).decode() else "sign not match"


def _dingtalk(code: int, words: str) -> Verdict:
    return 200, {"errcode": code, "errmsg": words}, None


def feishu(token: str, secret: str, *, per_minute: int = 100) -> Callable[[Request], Verdict]:
    """A Feishu group robot with signing; `path` is the last part of its address."""
    rates = (Rate(per_minute, 60), Rate(5, 1))

    def judge(request: Request) -> Verdict:
        body = request.json()
        if request.path.rsplit("/", 1)[-1] != token:
            return _feishu(19001, "param invalid: incoming webhook access token invalid")
        stamp = body.get("timestamp")
        sign = base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()
        dated = isinstance(stamp, str) and stamp.isdecimal() and abs(int(stamp) - request.wall_s) <= HOUR_S
        if secret and (not dated or body.get("sign") != sign):
            return _feishu(19021, "sign match fail or timestamp is not within one hour from current time")
        text = body.get("content", {}).get("text", "")
        if body.get("msg_type") != "text" or not text or len(request.body) > 20 * 1024:
            return _feishu(9499, "Bad Request")
        if any([rate.spent(request.wall_s) for rate in rates]):
            return _feishu(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")
        answer: dict[str, object] = {
            "StatusCode": 0,
            "StatusMessage": "success",
            "code": 0,
            "data": {},
            "msg": "success",
        }
        return 200, answer, Taken("feishu", text, everybody='<at user_id="all">' in text)

    return judge


def _feishu(code: int, words: str) -> Verdict:
    return 200, {"StatusCode": 0, "StatusMessage": "", "code": code, "data": {}, "msg": words}, None


def ntfy(topic: str, token: str = "", *, burst: int = 60) -> Callable[[Request], Verdict]:
    """An ntfy server with one topic, which wants `token` where one is given."""
    rate = Rate(burst, 5 * burst)

    def judge(request: Request) -> Verdict:
        if token and request.headers.get("authorization") != f"Bearer {token}":
            return _ntfy(403, 40301, "forbidden")
        if rate.spent(request.wall_s):
            return _ntfy(429, 42901, "limit reached: too many requests")
        if request.method == "PUT":
            if request.path.strip("/") != topic:
                return _ntfy(404, 40401, "page not found")
            if len(request.body) > 15 * 1024 * 1024:
                return _ntfy(413, 41301, "attachment too large, or bandwidth limit reached")
            return 200, {"id": "x1", "event": "message"}, Taken("ntfy", _words(request.headers), request.body)
        body = request.json()
        if body.get("topic") != topic:
            return _ntfy(400, 40009, "invalid request: topic invalid")
        text = str(body.get("message", ""))
        if len(text.encode()) > 4096:
            return _ntfy(413, 41303, "JSON body too large")
        taken = Taken("ntfy", text, title=str(body.get("title", "")), priority=int(body.get("priority", 3)))
        return 200, {"id": "x1", "event": "message"}, taken

    return judge


def _words(headers: Mapping[str, str]) -> str:
    """The Message header, as RFC 2047 says."""
    from email.header import decode_header, make_header

    return str(make_header(decode_header(headers.get("message", ""))))


def _ntfy(status: int, code: int, words: str) -> Verdict:
    return status, {"code": code, "http": status, "error": words, "link": "https://ntfy.sh/docs/publish/"}, None
