"""Cut a query into chunks.  Pure: text in, `Chunk`s out; it knows no nodes and no other messages."""
