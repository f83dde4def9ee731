"""The board: pins, and what the machine says of itself."""
