"""The contract of the bus: messages, the subject table and the topology.  `python -m schemas` prints JSON Schema."""
