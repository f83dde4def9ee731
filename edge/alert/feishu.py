"""Feishu's group robot, signed. Source: open.feishu.cn, custom bots."""

import base64
import hashlib
import hmac
import json

from edge.alert.channel import JSON, Answer, Ask, Channel, number
from edge.alert.pace import Limit
from edge.alert.words import Message, cut
from edge.clock import SECOND, Stamp
from edge.secret import Secret

_LIMITS = (11232, 9499)  # 9499 is also a bad request: told apart by its words


class Feishu(Channel):
    """Text. A picture would need an application's upload, so none go this way."""

    name = "feishu"
    limits = (Limit(100, 60), Limit(5, 1))
    text_bytes = 9_000  # of a body of 20 kB, in which a Chinese character takes six

    def __init__(self, url: str, token: Secret, secret: Secret | None, *, mention_all: bool) -> None:
        super().__init__(url, (token, secret))
        self._token = token
        self._secret = secret
        self._mention_all = mention_all

    def text(self, message: Message, wall_ns: int) -> Ask:
        """The request for a message, signed where there is a secret."""
        words = cut(message.text, self.text_bytes)
        if self._mention_all and message.urgent:
            words += '\n<at user_id="all"></at>'
        body: dict[str, object] = {"msg_type": "text", "content": {"text": words}}
        if self._secret is not None:
            stamp = str(wall_ns // SECOND)
            key = stamp.encode() + b"\n" + self._secret.reveal()  # the text is the key, and nothing is signed with it
            body |= {"timestamp": stamp, "sign": base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()}
        raw = json.dumps(body, ensure_ascii=False).encode()
        return Ask("POST", f"{self.url}/{self._token.reveal().decode()}", raw, JSON)

    def judge(self, answer: Answer, now: Stamp) -> None:
        """Return where code is 0; StatusCode is 0 beside errors too."""
        fields = self.fields(answer)
        code = number(fields.get("code"))
        said = f"code {code}: {fields.get('msg')}"
        if code == 0:
            return
        if code in _LIMITS and ("limit" in said or "too many" in said):
            raise self.limit(said)
        if code == 19021:
            raise self.unsigned(said, answer, now)
        if code in (19022, 19024):
            raise self.refused(said, "Switch the robot from keywords or addresses to signing (feishu.secret).")
        raise self.refused(said, "The robot is gone or feishu.token is not its address's last part: copy it anew.")
