"""The assembler: counts the votes of a query and seals it when all is decided, or at the deadline."""
