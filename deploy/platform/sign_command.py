"""Makes a signed command, to be published on door/v1/UNIT/command with QoS 1. Needs PyNaCl alone.

sign_command.py COMMAND_KEY_FILE UNIT VERB [ARGS]: the file holds the platform's Ed25519 seed, base64; ARGS are JSON.
"""

import base64
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey


def command(seed: bytes, unit: str, verb: str, args: dict[str, Any], now: datetime) -> bytes:
    """The payload. It counts from ten minutes ago, for a unit whose clock is behind, for an hour."""
    text = json.dumps(
        {
            "id": uuid.uuid4().hex,
            "unit": unit,
            "verb": verb,
            "not_before": _utc(now - timedelta(minutes=10)),
            "expires": _utc(now + timedelta(hours=1)),
            "args": args,
        }
    )
    signature = SigningKey(seed).sign(text.encode()).signature
    return json.dumps({"command": text, "signature": base64.b64encode(signature).decode()}).encode()


def _utc(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


if __name__ == "__main__":
    key_file, to, what, *more = sys.argv[1:]
    key = base64.b64decode(Path(key_file).read_text(encoding="ascii"))
    now = datetime.now(UTC)  # clock: a command's life is in UTC
    sys.stdout.write(command(key, to, what, json.loads(more[0]) if more else {}, now).decode() + "\n")
