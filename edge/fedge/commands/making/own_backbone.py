"""`fedge backbone FILE.tflite`: an int8 feature extractor of one's own becomes a backbone file; no TensorFlow."""

from pathlib import Path

from fedge import __version__
from fedge.commands.making.backbone_report import BackboneReport
from fedge.errors import NotAModelFile
from fedge.images.preprocess import Recipe, apply
from fedge.images.resize import resize_longest
from fedge.making.backbone import FORMAT, BackboneManifest, pack_backbone, write_backbone
from fedge.making.backbone_pictures import calibration_pictures
from fedge.making.foreign.extractor import int8_extractor_problem
from fedge.making.foreign.network import read_network
from fedge.making.golden import GOLDEN_SIDE, kernel_difference
from fedge.model import self_test
from fedge.model.interpreter import Network
from fedge.model.manifest import FlatbufferFacts, InputFacts, OutputFacts, SelfTestFacts
from fedge.system.console import file_name
from fedge.system.files import sha256

_GOLDEN_PICTURES, _TOLERANCE_PICTURES = 8, 3


def wrap_backbone(file: Path, data: tuple[str, ...], out: Path | None) -> BackboneReport:
    """Writes the backbone file of a network that gives features, and gives the report.

    Args:
        file: an int8 network: uint8 colour input of scale 1/255 and zero point 0, int8 output [1, features].
        data: folders or videos from which the pictures of the self-test are taken; empty for the usual ones.
        out: where to write; NAME-backbone.tflite if None.

    Raises NotAModelFile where it is no such network.
    """
    network = read_network(file)
    height, width, channels = network.shape
    if problem := int8_extractor_problem(network):
        raise NotAModelFile(
            f"{file} is no backbone: {problem}",
            "convert it to int8 with a uint8 input of scale 1/255 and zero point 0, and one int8 vector of features",
        )
    recipe = Recipe(height, width, "rgb")
    chosen = calibration_pictures(data)
    few = [resize_longest(picture, GOLDEN_SIDE) for picture in chosen.pictures[:_GOLDEN_PICTURES]]
    golden = self_test.make(Network(network.flatbuffer).logits, recipe, few)
    output = network.output
    manifest = BackboneManifest(
        format=FORMAT,
        least_fedge=__version__,
        name=file_name(Path(file.stem)),
        flatbuffer=FlatbufferFacts(len(network.flatbuffer), sha256(network.flatbuffer)),
        members={},
        input=InputFacts(height, width, channels, "rgb"),
        preprocessing=recipe,
        output=OutputFacts(network.classes, output.scales[0], output.zero_points[0]),
        self_test=SelfTestFacts(
            kernel_difference(network.flatbuffer, [apply(recipe, p) for p in few[:_TOLERANCE_PICTURES]])
        ),
        architecture=file_name(Path(network.file)),
        parameters=0,
        weights="its maker",
        weights_sha256=network.sha256,
        calibration="unknown pictures",
        calibration_pictures=0,
        calibration_sha256=sha256(golden.inputs.tobytes()),
        feature_error=None,
    )
    path = out or Path(f"{file.stem}-backbone.tflite")
    card = f"# {manifest.name}\n\nThe feature extractor {network.file}, made elsewhere. Teach it with `fedge teach`.\n"
    write_backbone(path, pack_backbone(network.flatbuffer, manifest, self_test.pack(golden), card))
    return BackboneReport(
        path=str(path),
        bytes=path.stat().st_size,
        features=manifest.output.classes,
        calibration=manifest.calibration,
        feature_error=None,
        tolerance=manifest.self_test.logit_tolerance,
    )
