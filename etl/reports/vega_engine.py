"""Draws charts: a JSON list of Vega-Lite specifications comes in, a JSON list of SVG texts goes out.

A program of its own, whose JavaScript engine takes some 150 MB that the process of a run need not hold.
"""

from __future__ import annotations

import json
import sys

import vl_convert

try:
    json.dump([vl_convert.vegalite_to_svg(spec) for spec in json.load(sys.stdin)], sys.stdout)
except ValueError as error:  # of many lines, of which those of the engine's own code help nobody
    sys.exit(str(error).partition("\n    at ")[0])
