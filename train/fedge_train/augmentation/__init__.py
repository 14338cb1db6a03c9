"""Changes of training pictures."""
