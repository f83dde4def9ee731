"""What a platform must know of the wire, and whether it keeps to it."""
