"""Compare answers and count votes.  Pure; it imports no service."""
