"""The demo: a deterministic shop whose days the warehouse loads one after the other."""
