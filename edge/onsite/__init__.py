"""What happens at the door itself: enrolment, later the installer's page and the technician's checks."""
