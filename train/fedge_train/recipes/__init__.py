"""Recipes: files that say, step by step, how a model is made from pictures alone."""
