"""What the ledger keeps of queries, and what can be learned from it.  Pure."""
