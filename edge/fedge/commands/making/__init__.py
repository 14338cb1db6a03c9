"""The work of the commands that make model files without TensorFlow."""
