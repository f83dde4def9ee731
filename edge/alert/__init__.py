"""Alerts to people's phones, over channels that need no platform."""
