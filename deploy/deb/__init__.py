"""The Debian package, built by one command: `make deb`."""
