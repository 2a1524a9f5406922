"""What a request demands of its answer that a program can verify: one file a family, one table that names them."""
