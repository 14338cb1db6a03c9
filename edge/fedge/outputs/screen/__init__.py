"""Outputs that people watch: the terminal and a window."""
