#!/bin/sh
# Beside the Python of its own environment, wherever that folder stands.
exec "$(dirname "$(readlink -f "$0")")/python" -I -m edge.cli "$@"
