"""What happens at the door itself: enrolment, the installer's page, the technician's checks."""
