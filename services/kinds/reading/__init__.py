"""What a model said, read: its final answer, whatever form it has."""
