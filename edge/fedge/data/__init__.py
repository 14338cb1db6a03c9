"""Labelled pictures: where they come from, how they are split, and what is kept out of training."""
