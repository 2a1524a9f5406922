"""What kinds of request there are, and what each needs: one file a kind, one table that names them."""
