"""One file for each published format: what its files mean, as segments."""
