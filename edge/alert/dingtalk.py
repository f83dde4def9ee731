"""DingTalk's group robot, signed. Sources: open.dingtalk.com, custom robots; its table of error codes."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

from edge.alert.channel import JSON, Answer, Ask, Channel, number
from edge.alert.pace import Limit
from edge.alert.words import Message, cut
from edge.clock import MS, Stamp
from edge.secret import Secret

_LIMITS = (130101, 410100)  # 20 a minute; too fast


class DingTalk(Channel):
    """Text. It takes pictures by public address only, so none go this way."""

    name = "dingtalk"
    limits = (Limit(20, 60),)
    text_bytes = 18_000  # of a body of 20,000
    locked_s = 600  # it locks a robot out for ten minutes

    def __init__(self, url: str, token: Secret, secret: Secret | None, *, mention_all: bool) -> None:
        super().__init__(url, (token, secret))
        self._token = token
        self._secret = secret
        self._mention_all = mention_all

    def text(self, message: Message, wall_ns: int) -> Ask:
        """The request for a message, signed where there is a secret."""
        query = {"access_token": self._token.reveal().decode()}
        if self._secret is not None:
            stamp = str(wall_ns // MS)
            key = self._secret.reveal()
            mac = hmac.new(key, stamp.encode() + b"\n" + key, hashlib.sha256).digest()
            query |= {"timestamp": stamp, "sign": base64.b64encode(mac).decode()}
        body = {
            "msgtype": "text",
            "text": {"content": cut(message.text, self.text_bytes)},
            "at": {"isAtAll": self._mention_all and message.urgent},
        }
        return Ask("POST", f"{self.url}?{urlencode(query)}", json.dumps(body, ensure_ascii=False).encode(), JSON)

    def judge(self, answer: Answer, now: Stamp) -> None:
        """Return where errcode is 0."""
        fields = self.fields(answer)
        if fields.get("punish"):  # its gate says so in a form of its own, without an errcode
            raise self.limit(f"status {fields.get('status')}, punish {fields.get('punish')}")
        code = number(fields.get("errcode"))
        said = f"errcode {code}: {fields.get('errmsg')}"
        if code == 0:
            return
        if code in _LIMITS:
            raise self.limit(said)
        if code == -1:
            raise self.busy(said)
        if code == 310000 and "keyword" in said:
            raise self.refused(
                said, "The robot wants a keyword: switch to signing, and put its secret into dingtalk.secret."
            )
        if code == 310000 and "ip" in said.replace(":", " ").split():
            raise self.refused(said, "The robot wants a known address: switch to signing (dingtalk.secret).")
        if code == 310000:
            raise self.unsigned(said, answer, now, surely_clock="timestamp" in said)
        if code == 300005 or code is None:
            remedy = "The robot is gone or dingtalk.token is not its token: copy it anew from the robot."
            raise self.refused(said, remedy)
        raise self.refused(said, "Look that code up in DingTalk's list of error codes.")
