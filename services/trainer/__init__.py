"""The trainer: learns from every sealed query which nodes to trust and how fast they are."""
