"""Quantization: from a run's float weights to an int8 model file that passed the parity gate. Needs `fedge[train]`."""
