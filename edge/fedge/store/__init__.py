"""The model store of a device: the model files it has, which one runs, and which one ran before."""
