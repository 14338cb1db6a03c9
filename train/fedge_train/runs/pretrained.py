"""What a training may start from or learn from: a run, or a model file such as those that come in the wheel."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from fedge.data.decoded.array import Images
from fedge.errors import ModelFileError, NotAModelFile, RunError
from fedge.images.preprocess import Recipe
from fedge.model import file as model_file
from fedge.model.interpreter import Network
from fedge.model.shipped import find_model, shipped_models
from fedge.system.files import sha256_file
from fedge_train.networks.architectures import build
from fedge_train.networks.from_tflite import model_from_tflite
from fedge_train.networks.layer_names import Shape
from fedge_train.networks.predict import Predictor, predictor
from fedge_train.runs.run_folder import RunConfig, load_float_model, read_config, weights_path

# Enough for means and variances of a layer's outputs; more would only take memory.
STATISTICS_PICTURES = 500


@dataclass(frozen=True)
class Pretrained:
    """A network that was trained before.

    Attributes:
        name: the run's folder, or the model file or shipped model's name.
        architecture, labels, recipe: what it is, what it answers, and what its pictures are.
        data: the data sets that it learned from; a run's as given to `--data`, a model's by their names alone.
        model: the model file; None for a run.
    """

    name: str
    architecture: str
    labels: tuple[str, ...]
    recipe: Recipe
    data: tuple[str, ...]
    model: model_file.ModelFile | None

    def sha256(self) -> str:
        """The SHA-256 of what its answers depend on: a run's weights, a model's flatbuffer."""
        return self.model.manifest.flatbuffer.sha256 if self.model else sha256_file(weights_path(Path(self.name)))

    def knows(self, data: str) -> bool:
        """Whether it learned from a data set of this name, as given to `--data`."""
        return (Path(data).name if self.model else data) in self.data

    def predictor(self) -> Predictor:
        """What gives its answers to preprocessed pictures."""
        if self.model is None:
            return predictor(self._run())
        network, manifest = Network(self.model.flatbuffer), self.model.manifest

        def predict(images: Images) -> NDArray[np.float32]:
            raw = np.stack([network.logits(manifest.input.encode(image)) for image in images])
            return manifest.output.real(raw).astype(np.float32)

        return predict

    def network(self, shape: Shape, labels: tuple[str, ...], pictures: Images) -> keras.Model:
        """Its float network to be trained on: for pictures of `shape`, with a fresh last layer where labels differ.

        `pictures`, uint8 [n, height, width, channels], are some that it will learn from.
        """
        same = labels == self.labels
        if self.model is not None:
            sample = pictures[:: -(-len(pictures) // STATISTICS_PICTURES)]
            return model_from_tflite(self.model.flatbuffer, self.architecture, shape, len(labels), sample, head=same)
        if read_config(Path(self.name)).backbone is not None:
            raise RunError(f"{self.name} rests on a backbone file, which cannot be trained", "give another --from")
        start = self._run()
        network = build(self.architecture, shape, len(labels))
        for layer, source in zip(network.layers, start.layers, strict=True):
            if same or layer is not network.layers[-1]:
                _copy_weights(source, layer, self.name)
        return network

    def _run(self) -> keras.Model:
        folder = Path(self.name)
        return load_float_model(folder, read_config(folder))


def pretrained(name: str) -> Pretrained:
    """Opens a run's folder, a model file or a shipped model. Raises FedgeError."""
    if Path(name).is_dir():
        config = read_config(Path(name))
        return Pretrained(name, config.architecture, config.labels, config.recipe, config.data, None)
    try:
        model = model_file.read(find_model(name))
    except NotAModelFile as error:
        if Path(name).exists():
            raise
        shipped = ", ".join(shipped_models())
        raise RunError(
            f"there is no run folder or model {name}", f"give a run, a model file, or one of the shipped: {shipped}"
        ) from error
    facts = model.manifest.training
    data = tuple(facts.data.split("+"))
    return Pretrained(name, facts.architecture, model.labels, model.manifest.preprocessing, data, model)


def resolved_name(name: str) -> str:
    """The name under which a run finds it again from anywhere: an absolute path, or a shipped model's name."""
    return name if name in shipped_models() and not Path(name).exists() else str(Path(name).resolve())


def require_unchanged(names: Iterable[str], folder: Path, config: RunConfig) -> None:
    """Raises RunError where one of these, from which a run learns, is gone or not as when the run was started."""
    for name in config.origins.keys() & names:
        mend = "restore it, or train another run"
        try:
            unchanged = pretrained(name).sha256() == config.origins[name]
        except (RunError, ModelFileError) as error:
            raise RunError(
                f"{name}, from which {folder} learns, cannot be read any more ({error.what})", mend
            ) from error
        if not unchanged:
            raise RunError(f"{name} has changed since {folder} was started from it", mend)


def _copy_weights(source: keras.layers.Layer, target: keras.layers.Layer, name: str) -> None:
    try:
        target.set_weights(source.get_weights())
    except ValueError as error:
        problem = f"the weights of {name} do not fit pictures of this size or colours"
        raise RunError(problem, "leave out --size and --color, or --from") from error
