"""How results reach outputs: a queue and a thread for each, and how each is doing."""
