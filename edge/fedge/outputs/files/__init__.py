"""Outputs that keep results or frames in files."""
