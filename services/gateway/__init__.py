"""The HTTP face: one more client of the bus, which keeps nothing that the bus does not keep."""
