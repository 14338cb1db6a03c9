"""What the layers of fedge's networks are called, by which folding, starting weights and heads find them."""

Shape = tuple[int, int, int]

# What a residual block's convolutions are called. The one that skips has no bias of its own on the device: what it
# would add is added by the second one.
SECOND, SKIP = "c2", "skip"

# What a convolution's batch normalization is called after it, and what a network's last layer is called.
NORM, LOGITS = "_norm", "logits"
