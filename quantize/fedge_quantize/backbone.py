"""The `fedge backbone` command's work: a backbone with ImageNet weights as an int8 file that gives features."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge import __version__
from fedge.commands.making.backbone_report import BackboneReport
from fedge.errors import FedgeError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, apply
from fedge.images.resize import resize_longest
from fedge.making.backbone import FORMAT, BackboneManifest, pack_backbone, write_backbone
from fedge.making.backbone_pictures import CalibrationPictures, calibration_pictures
from fedge.making.golden import GOLDEN_SIDE, kernel_difference
from fedge.model import self_test
from fedge.model.confidence import dequantize
from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network
from fedge.model.manifest import FlatbufferFacts, InputFacts, OutputFacts, SelfTestFacts
from fedge.system.console import echo
from fedge.system.files import sha256
from fedge_quantize.conversion.convert import convert
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_quantize.conversion.round_weights import round_weights
from fedge_train.networks.features import feature_extractor
from fedge_train.networks.imagenet import BACKBONES, SHA256
from fedge_train.networks.layer_names import LOGITS
from fedge_train.runs.run_folder import tool_versions
from fedge_train.training.start import start_network

# On which the fast kernels are held against the reference kernels, which take a second for a picture of 224 pixels.
_TOLERANCE_PICTURES = 8
_GOLDEN_PICTURES = 8


@dataclass(frozen=True)
class BackboneOptions:
    """What the user asked for: the architecture's name, the side in pixels, folders or videos to calibrate on."""

    architecture: str
    size: int
    data: tuple[str, ...] = ()
    out: Path | None = None


def make_backbone(options: BackboneOptions) -> BackboneReport:
    """Makes a backbone file, writes it, and gives the report.

    Raises FedgeError for an architecture that has no weights, or pictures that cannot be read.
    """
    name = options.architecture
    if name not in BACKBONES:
        raise FedgeError(f"there is no backbone {name!r}", f"choose one of {', '.join(BACKBONES)}")
    recipe = Recipe(options.size, options.size, "rgb")
    chosen = calibration_pictures(options.data)
    images = np.stack([apply(recipe, picture) for picture in chosen.pictures])
    # Black and white must both be seen, for the input's scale is 1/255 by contract: two pixels of all pictures.
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    echo(f"making {name} at {options.size} px int8, calibrated on {len(images)} pictures of {chosen.name}")
    model = start_network(name, recipe.shape, 2, seed=0)
    flatbuffer = convert(round_weights(_without_head(fold(model)), images), images)
    manifest = _manifest(model, flatbuffer, recipe, chosen, images)
    golden = _golden(flatbuffer, recipe, chosen.pictures)
    out = options.out or Path(f"{manifest.name}.tflite")
    write_backbone(out, pack_backbone(flatbuffer, manifest, self_test.pack(golden), _card(manifest)))
    return BackboneReport(
        path=str(out),
        bytes=out.stat().st_size,
        features=manifest.output.classes,
        calibration=manifest.calibration,
        feature_error=manifest.feature_error,
        tolerance=manifest.self_test.logit_tolerance,
    )


def _without_head(folded: Model) -> Model:
    return Model(folded.inputs, folded.get_layer(LOGITS).input, name=folded.name)


def _manifest(
    model: Model, flatbuffer: bytes, recipe: Recipe, chosen: CalibrationPictures, images: NDArray[np.uint8]
) -> BackboneManifest:
    output = read_graph(flatbuffer).outputs[0]
    network = Network(flatbuffer)
    features = dequantize(
        np.stack([network.logits(image) for image in images]), output.scales[0], output.zero_points[0]
    )
    by_float = feature_extractor(model)(images)
    lengths = np.linalg.norm(by_float, axis=1)
    return BackboneManifest(
        format=FORMAT,
        least_fedge=__version__,
        name=f"{model.name}-{recipe.width}",
        flatbuffer=FlatbufferFacts(len(flatbuffer), sha256(flatbuffer)),
        members={},
        input=InputFacts(recipe.height, recipe.width, recipe.channels, recipe.color),
        preprocessing=recipe,
        output=OutputFacts(output.shape[1], output.scales[0], output.zero_points[0]),
        self_test=SelfTestFacts(kernel_difference(flatbuffer, images[:_TOLERANCE_PICTURES])),
        architecture=model.name,
        parameters=int(model.count_params() - model.get_layer(LOGITS).count_params()),
        weights="ImageNet",
        weights_sha256=SHA256,
        calibration=chosen.name,
        calibration_pictures=len(images),
        calibration_sha256=sha256(images.tobytes()),
        feature_error=float(np.mean(np.linalg.norm(features - by_float, axis=1) / np.maximum(lengths, 1e-12))),
        versions=tool_versions(),
    )


def _golden(flatbuffer: bytes, recipe: Recipe, pictures: list[Picture]) -> self_test.GoldenVectors:
    step = max(1, len(pictures) // _GOLDEN_PICTURES)
    small = [resize_longest(picture, GOLDEN_SIDE) for picture in pictures[::step][:_GOLDEN_PICTURES]]
    return self_test.make(Network(flatbuffer).logits, recipe, small)


def _card(manifest: BackboneManifest) -> str:
    return f"""# {manifest.name}

An int8 backbone made by fedge: {manifest.architecture}, {manifest.parameters:,} parameters as {manifest.weights} taught
them. It turns {manifest.preprocessing.width}x{manifest.preprocessing.height} pixels in colour into
{manifest.output.classes:,} features. Its ranges were read from {manifest.calibration_pictures} pictures of
{manifest.calibration}; on these the int8 features are {manifest.feature_error:.1%} away from the float ones.

Teach it classes with `fedge teach`; check it on a device with `fedge verify`.
"""
