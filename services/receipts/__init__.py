"""Signed votes: what a node signs, how the signature is checked, and whose keys are known.  Pure, but for one file."""
