"""The folder into which the stores drop their inventory counts: stock levels, and files of four forms."""
