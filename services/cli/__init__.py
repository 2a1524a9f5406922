"""The `dellm` command: rich in a terminal, plain when piped, JSON where a program reads it."""
