"""The networks, their hyperparameters, and their answers."""
