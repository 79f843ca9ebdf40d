"""Bytes out of their hexadecimal text, a column at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

_NIBBLES = np.zeros(256, dtype=np.uint8)
for _digit in range(16):
    _NIBBLES[ord(f"{_digit:x}")] = _NIBBLES[ord(f"{_digit:X}")] = _digit


def bytes_of_hex(texts: pa.StringArray) -> pa.BinaryArray:
    """A binary column; NULL stays NULL, the empty text becomes no bytes."""
    if not len(texts):
        return pa.array([], pa.binary())
    # Concatenated, so that buffers and validity begin at zero.
    whole = pa.concat_arrays([texts, pa.array([""])])
    validity, offsets, data = whole.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[: len(whole) + 1]
    digits = np.frombuffer(data, dtype=np.uint8)[: bounds[-1]] if data is not None else np.zeros(0, np.uint8)
    nibbles = _NIBBLES[digits]
    joined = (nibbles[0::2] << 4) | nibbles[1::2]
    buffers = [validity, pa.py_buffer((bounds // 2).astype(np.int32)), pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.binary(), len(whole), buffers, whole.null_count)[: len(texts)]
