"""WeCom's group robot. Source: work.weixin.qq.com/api/doc/90000/90136/91770."""

import base64
import hashlib
import json

from edge.alert.channel import JSON, Answer, Ask, Channel, number
from edge.alert.pace import Limit
from edge.alert.words import Message, cut
from edge.clock import Stamp
from edge.secret import Secret

_LIMITS = (45009, 45033)  # calls a minute, calls at once


class WeCom(Channel):
    """Text, and a picture as base64 with its md5."""

    name = "wecom"
    limits = (Limit(20, 60),)
    text_bytes = 2048
    picture_bytes = 2 * 1024 * 1024

    def __init__(self, url: str, key: Secret, *, mention_all: bool, picture: bool) -> None:
        super().__init__(url, (key,), picture=picture)
        self._key = key
        self._mention_all = mention_all

    def text(self, message: Message, wall_ns: int) -> Ask:
        """The request for a message."""
        text: dict[str, object] = {"content": cut(message.text, self.text_bytes)}
        if self._mention_all and message.urgent:
            text["mentioned_list"] = ["@all"]
        return self._ask({"msgtype": "text", "text": text})

    def picture(self, jpeg: bytes, caption: str, wall_ns: int) -> Ask:
        """The request for a picture; this channel has no place for its caption."""
        md5 = hashlib.md5(jpeg, usedforsecurity=False).hexdigest()  # what WeCom asks for
        return self._ask({"msgtype": "image", "image": {"base64": base64.b64encode(jpeg).decode(), "md5": md5}})

    def judge(self, answer: Answer, now: Stamp) -> None:
        """Return where errcode is 0."""
        fields = self.fields(answer)
        code = number(fields.get("errcode"))
        said = f"errcode {code}: {fields.get('errmsg')}"
        if code == 0:
            return
        if code in _LIMITS:
            raise self.limit(said)
        if code == -1:
            raise self.busy(said)
        if code == 93000:
            raise self.refused(said, "The robot is gone or wecom.key is not its key: copy it anew from the robot.")
        raise self.refused(said, "Look that code up in WeCom's list of error codes.")

    def _ask(self, body: object) -> Ask:
        return Ask("POST", f"{self.url}?key={self._key.reveal().decode()}", json.dumps(body).encode(), JSON)
