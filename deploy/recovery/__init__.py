"""Scripts that the service manager runs beside the unit; each stands alone, for the system's own python3."""
