"""Tasks: token sequences, masks of their predictable queries, and metrics."""
