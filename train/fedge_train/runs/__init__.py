"""A run's folder: configuration, weights, history, report."""
