"""Making model files where there is no TensorFlow: heads for backbones, and classifiers from elsewhere."""
