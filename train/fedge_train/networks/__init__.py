"""The networks, their hyperparameters, their starting weights, and their answers."""
