"""Training: from a data set to a run folder of float weights. Needs the extra `fedge[train]`."""

import os

from fedge.system.native_stderr import suppress_native_stderr

# tfmot works only with Keras 2, which TensorFlow chooses by this variable when it is first imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with suppress_native_stderr():
    # Its first import and its first look for a GPU log what this machine has and has not.
    import tensorflow

    tensorflow.config.list_physical_devices("GPU")
