"""What a model does on examples: which part pushes the answer, and what changes when a part is replaced."""
