"""Classifiers that other tools made: reading them, and finding out how they want their pictures."""
