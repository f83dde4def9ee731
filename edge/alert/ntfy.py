"""ntfy: a topic to which phones subscribe, self-hosted or public. Source: docs.ntfy.sh/publish."""

import base64
import json

from edge.alert.channel import JSON, Answer, Ask, Channel, number
from edge.alert.pace import Limit
from edge.alert.words import Message, cut
from edge.clock import Stamp
from edge.secret import Secret

_URGENT, _USUAL = 5, 3  # of its priorities 1 to 5: 5 rings until somebody looks


class Ntfy(Channel):
    """Text as JSON, and a picture as the body of a PUT."""

    name = "ntfy"
    limits = (Limit(60, 300),)  # a burst of 60 that refills by one in 5 s
    text_bytes = 4096
    picture_bytes = 2 * 1024 * 1024  # a public server takes 15 MB; a phone on a slow network would rather not
    locked_s = 30

    def __init__(self, url: str, topic: Secret, token: Secret | None, *, picture: bool) -> None:
        super().__init__(url, (topic, token), picture=picture)
        self._topic = topic
        self._token = token

    def text(self, message: Message, wall_ns: int) -> Ask:
        """The request for a message."""
        body = {
            "topic": self._topic.reveal().decode(),
            "title": cut(message.title, 250),
            "message": cut(message.text, self.text_bytes),
            "priority": _URGENT if message.urgent else _USUAL,
            "tags": ["door"],
        }
        return Ask("POST", f"{self.url}/", json.dumps(body).encode(), {**JSON, **self._who()})

    def picture(self, jpeg: bytes, caption: str, wall_ns: int) -> Ask:
        """The request for a picture; a header that is not ASCII goes as RFC 2047 says."""
        words = f"=?UTF-8?B?{base64.b64encode(cut(caption, 250).encode()).decode()}?="
        headers = {"Content-Type": "image/jpeg", "Filename": "door.jpg", "Message": words, "Tags": "door"}
        return Ask("PUT", f"{self.url}/{self._topic.reveal().decode()}", jpeg, {**headers, **self._who()})

    def judge(self, answer: Answer, now: Stamp) -> None:
        """Return where it gives the message's id."""
        fields = self.fields(answer)
        if answer.status == 200 and fields.get("id"):
            return
        code = number(fields.get("code"))
        said = f"status {answer.status}, code {code}: {fields.get('error')}"
        if code is None:
            raise self._stranger(said)
        if answer.status in (401, 403):
            raise self.refused(said, "Give ntfy.token the right to write to this topic, on the ntfy server.")
        raise self.refused(said, "Check ntfy.url, ntfy.topic and the limits of that server.")

    def _who(self) -> dict[str, str]:
        return {} if self._token is None else {"Authorization": f"Bearer {self._token.reveal().decode()}"}
