"""The features that a backbone gives for pictures."""

import os

import numpy as np
from numpy.typing import NDArray

from fedge.data.decoded.array import Images
from fedge.making.backbone import Backbone
from fedge.model.confidence import Floats, dequantize
from fedge.model.interpreter import Network
from fedge.system.progress import Progress


class FeatureExtractor:
    """A backbone loaded by its interpreter; not to be called from several threads at once."""

    def __init__(self, backbone: Backbone) -> None:
        self._network = Network(backbone.flatbuffer, threads=os.cpu_count() or 1)
        self._output = backbone.manifest.output

    def __call__(self, image: NDArray[np.uint8]) -> Floats:
        """The real features, [features], of a preprocessed picture: uint8, [height, width, channels]."""
        return dequantize(self._network.logits(image), self._output.scale, self._output.zero_point)

    def views(self, images: Images) -> Floats:
        """The features of pictures, uint8 [n, height, width, 3], and of their mirror images: [2, n, features]."""
        with Progress("computing features", 2 * len(images)) as progress:
            found = np.empty((2, len(images), self._output.classes))
            for i, image in enumerate(images):
                found[0, i] = self(image)
                found[1, i] = self(np.ascontiguousarray(image[:, ::-1]))
                progress.advance(2)
        return found
