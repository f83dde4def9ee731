"""All that the agent can find wrong, as a table: code, words, remedy, grace time, and the parents that hush it.

One vocabulary for pulse, page, lamp and doctor. What only somebody at the unit can find is in edge/onsite/rows.py.
"""

from edge.warnings.beside import beside
from edge.warnings.here import HERE
from edge.warnings.row import LINK as LINK
from edge.warnings.row import Row as Row
from edge.warnings.way import WAY

ROWS = {row.code: row for row in (*HERE, *WAY, *beside("cloud", "the cloud hub", "云平台"))}
