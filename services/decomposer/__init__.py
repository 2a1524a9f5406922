"""The decomposer: takes queries in, cuts them into chunks and routes the chunks to nodes."""
