"""Run as `python3 -I /usr/lib/doorunit/ota VERB`: from a folder of its own, without edge and its environment."""

import sys

from deploy.ota.cli import main

sys.exit(main())
