"""The door itself. Pure: no pin, no clock, no thread."""
