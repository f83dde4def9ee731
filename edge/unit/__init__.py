"""The unit: who hears what, and what then. No stranger's name in here."""
