"""The web page: the live picture, the answer, and how the runner is doing."""
