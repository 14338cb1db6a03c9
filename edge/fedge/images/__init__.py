"""Pictures: reading them, and the one way from a picture to the model's input."""
