"""How good the answers to a set of questions are, and where the errors lie.  Pure, but for the reading of files."""
