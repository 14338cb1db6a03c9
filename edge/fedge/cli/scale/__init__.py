"""The commands that use more than one process or machine."""
