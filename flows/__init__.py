"""The order of things: one flow per file, named cadence and subject; flows see no frame and no SQL."""
