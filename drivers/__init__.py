"""Drivers for MicroPython and CPython: one chip or one contact a file; pin, bus and clock are injected."""
