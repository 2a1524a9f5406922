"""A node: answers chunks with two models and a vote between them."""
