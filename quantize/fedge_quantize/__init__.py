"""Quantization: from a run's float weights to an int8 model file that passed the parity gate. Needs `fedge[train]`."""

# Sets TensorFlow up before any module here can import it.
import fedge_train  # noqa: F401
