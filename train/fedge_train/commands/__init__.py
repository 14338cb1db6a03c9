"""The work of the training commands."""
