"""What installs and runs the unit, and must work when edge is broken: standard library only, nothing of ours."""
