"""What happens at the door itself: enrolment, the desk that answers, status, doctor and their checks."""
