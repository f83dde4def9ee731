#!/bin/sh
# Beside the Python of its own environment, wherever that folder stands; as installed, with the version that counts now.
here=$(dirname "$(readlink -f "$0")")
[ "$here" != /usr/lib/doorunit/bin ] || exec /usr/lib/doorunit/ota/launch -I -m edge.cli "$@"
exec "$here/python" -I -m edge.cli "$@"
