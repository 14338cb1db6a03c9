"""fedge as a systemd service: its unit, its configuration file, and what is checked before either is written."""
