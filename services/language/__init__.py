"""Words, numbers and forms of English, as data."""
