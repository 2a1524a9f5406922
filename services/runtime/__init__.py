"""What carries a service: the bus, its routes, the streams, logging and the life of a process."""
