"""What a model is asked to do: the tokens it reads, and what in them can be known."""
