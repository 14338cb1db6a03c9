"""The training loop, its batches and checkpoints."""
