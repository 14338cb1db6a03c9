"""How good answers are: accuracy, rejection, fitness for a camera."""
