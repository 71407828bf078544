"""Files, text and hooks around the engine: the model that people hold."""
