"""The networks, their hyperparameters, their initial weights, and their predictions."""
