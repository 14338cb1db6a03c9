"""The model file: reading, checking and running it."""
