"""What must never show, wherever it is carried."""

import hmac


class Secret:
    """Bytes that never show: not in repr, not in a log, not in a bundle; msgspec and pickle refuse them too."""

    __slots__ = ("_bytes",)

    def __init__(self, secret: bytes) -> None:
        self._bytes = secret

    def __repr__(self) -> str:
        return f"Secret({len(self._bytes)} bytes)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes, other.reveal())

    def __hash__(self) -> int:
        return hash(Secret)  # equal secrets hash alike, and the hash says nothing of them

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled; pass what needs it the Identity instead")

    def reveal(self) -> bytes:
        """The bytes themselves; whoever calls this keeps them out of repr, logs and messages."""
        return self._bytes
