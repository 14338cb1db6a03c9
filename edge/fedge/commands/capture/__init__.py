"""Guided collection of pictures: `fedge capture`."""
