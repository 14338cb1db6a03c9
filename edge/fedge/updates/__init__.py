"""Signed releases of models on any static server, and taking them: The Update Framework (TUF), by python-tuf.

Nothing here is imported by `fedge run`: who takes updates is a process of its own.
"""
