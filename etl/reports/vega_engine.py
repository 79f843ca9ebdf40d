"""Draws charts in a process of its own; started by ``drawing.py``, never imported.

A JSON list of Vega-Lite specifications on standard input, a JSON list of SVG texts on standard output. Why a
process: the JavaScript engine would leave 80 to 100 MB in that of the run.
"""

from __future__ import annotations

import json
import sys

import vl_convert


def main() -> None:
    """Answer one request; ends with a message on standard error where a specification is wrong."""
    try:
        svgs = [vl_convert.vegalite_to_svg(spec) for spec in json.load(sys.stdin)]
    except ValueError as error:  # of many lines, of which those of the engine's own code help nobody
        sys.exit(str(error).partition("\n    at ")[0])
    json.dump(svgs, sys.stdout)


if __name__ == "__main__":
    main()
