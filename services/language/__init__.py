"""Words, numbers and forms of English, as data.  No other module lists words."""
