"""The wire over HTTPS, version 1: the same records, messages and signed commands as on MQTT, by path instead of topic.

POST events: a JSON array of CloudEvents of one epoch; the answer is the receipt. PUT online, state, pulse; POST reply.
GET commands?wait=S&after=NEXT: held until there is one, or S seconds have passed. Mutual TLS; the certificate's common
name is the unit in the path.
"""

from collections.abc import Iterable

import msgspec

from edge import wire
from edge.errors import WireError

BATCH_TYPE = "application/cloudevents-batch+json"  # CloudEvents 1.0, HTTP binding, batched mode
METHODS = {"events": "POST", "online": "PUT", "state": "PUT", "pulse": "PUT", "reply": "POST", "commands": "GET"}
BATCH_MAX = 1000  # records a platform must take at once
BATCH_MAX_BYTES = 1_000_000
TOLD_MAX_BYTES = 64_000  # of online, state, pulse and reply
WAIT_MAX_S = 60  # how long a platform holds a question for commands at most


class Unfit(msgspec.Struct, frozen=True):
    """One record of a batch that the platform cannot take: where in the array, and why."""

    index: int
    error: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a batch is answered with: a wire.Receipt, and what is left out of it for good."""

    epoch: str
    stored: wire.Ranges
    refused: tuple[Unfit, ...] = ()

    def holds(self, epoch: str, seq: int) -> bool:
        """Whether the platform has committed that record."""
        return epoch == self.epoch and any(low <= seq <= high for low, high in self.stored)


class Waiting(msgspec.Struct, frozen=True):
    """Commands that wait, oldest first, each as it travels on MQTT; `next` goes into the next question as `after`."""

    next: str
    commands: tuple[msgspec.Raw, ...] = ()


_encoder = msgspec.json.Encoder()
_answers = msgspec.json.Decoder(Answer)
_waiting = msgspec.json.Decoder(Waiting)
_batches = msgspec.json.Decoder(list[msgspec.Raw])


def path(unit: str, leaf: str) -> str:
    """/v1/units/<unit>/<leaf>; leaf is one of METHODS."""
    return f"/v{wire.VERSION}/units/{unit}/{leaf}"


def pack(records: Iterable[bytes]) -> bytes:
    """A batch of records, each as wire.encode made it."""
    return b"[" + b",".join(records) + b"]"


def unpack(body: bytes) -> list[bytes]:
    """The records of a batch, none of them looked at. Raises WireError."""
    try:
        records = _batches.decode(body)
    except wire.GARBLED as err:
        raise _garbled("batch", err, "a JSON array of CloudEvents") from err
    if not 0 < len(records) <= BATCH_MAX:
        raise _garbled("batch", f"{len(records)} records", f"1 to {BATCH_MAX}")
    return [bytes(record) for record in records]


def read_answer(body: bytes) -> Answer:
    """What a platform answered a batch with. Raises WireError for all that is no receipt."""
    try:
        return _answers.decode(body)
    except wire.GARBLED as err:
        raise _garbled("answer to a batch", err, '{"epoch": "...", "stored": [[first, last], ...]}') from err


def read_waiting(body: bytes) -> Waiting:
    """What a platform answered a question for commands with. Raises WireError."""
    try:
        return _waiting.decode(body)
    except wire.GARBLED as err:
        raise _garbled("answer to a question for commands", err, '{"next": "...", "commands": [...]}') from err


def to_json(answer: Answer | Waiting) -> bytes:
    """As it travels."""
    return _encoder.encode(answer)


def _garbled(what: str, found: object, wanted: str) -> WireError:
    return WireError(what, found=found, wanted=wanted, remedy="Compare it with edge/posting.py.")
