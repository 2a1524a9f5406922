"""Text in, chunks out: the one room where a query is cut.  Pure; it knows neither nodes nor messages but `Chunk`."""
