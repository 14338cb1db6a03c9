"""The work of the commands that use more than one process or machine."""
