"""Words of English as data: nobody else lists them."""
