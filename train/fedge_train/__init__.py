"""Training: from a data set to a run folder of float weights. Needs the extra `fedge[train]`."""

import os

from fedge.quiet import quiet_stderr

# tfmot works only with Keras 2, which TensorFlow chooses by this variable when it is first imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet_stderr():
    import tensorflow  # noqa: F401  # its first import logs what the processor can do
