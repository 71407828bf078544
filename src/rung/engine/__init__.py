"""Text-free maths: one transformer for every family, and what reads and edits it on the way."""
