"""The `fedge teach` command's work: a head learned on a backbone's features becomes a complete model file.

The gate compares the float head on the backbone's int8 features with the file that is written. What making the
backbone int8 changed is in the backbone file (`feature_error`).
"""

import dataclasses
import importlib.metadata
import platform
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import cv2
import numpy as np

from fedge import __version__
from fedge.commands.making.teach_report import TeachReport
from fedge.data.dataset import Dataset, join
from fedge.data.label_map import read_label_map
from fedge.data.load import load_dataset
from fedge.errors import FedgeError
from fedge.evaluation.fit_confidence import fit_confidence
from fedge.evaluation.parity import compare
from fedge.images.image_statistics import image_statistics
from fedge.making.backbone import Backbone, read_backbone
from fedge.making.features import FeatureExtractor
from fedge.making.frames import Changed, Frames, compare_answers, read_frames
from fedge.making.graph.append_layer import LinearHead, append_layer
from fedge.making.learn_head import learn_head
from fedge.making.proof import carrier, refusal_of
from fedge.making.taught_file import Proved, pack_taught
from fedge.model import file as model_file
from fedge.model.interpreter import Network
from fedge.model.manifest import TrainingFacts
from fedge.options import MAX_DROP_PP, TEST_SHARE
from fedge.system.console import echo, file_name


@dataclass(frozen=True)
class TeachOptions:
    """What the user asked for; `frames` are pictures without labels, as folders or videos."""

    backbone: Path
    data: tuple[str, ...]
    out: Path
    label_map: Path | None = None
    test_share: float = TEST_SHARE
    max_drop_pp: float = MAX_DROP_PP
    frames: tuple[str, ...] = ()
    unproved: bool = False


def teach(options: TeachOptions, seen: Frames | None = None) -> TeachReport:
    """Learns the classes, passes the gate, writes the model file, and gives the report.

    Args:
        options: what the user asked for.
        seen: unlabelled frames that are at hand already, besides those of `options.frames`.

    Raises ParityRefused where the gate says no: then no file is written.
    """
    started = monotonic()
    require_file(options.out)
    backbone = read_backbone(options.backbone)
    recipe = backbone.manifest.preprocessing
    dataset = load_dataset(options.data, recipe, read_label_map(options.label_map), options.test_share)
    frames = read_frames(options.frames, recipe) if options.frames else seen
    by = carrier(len(dataset.test), frames, options.max_drop_pp, options.unproved).by
    extract = FeatureExtractor(backbone)
    known = join([dataset.train, dataset.held_out])
    learned = learn_head(extract.views(known.images), known.labels, len(dataset.labels))
    test_features = np.stack([extract(image) for image in dataset.test.images])
    float_logits = learned.head.logits(test_features)
    flatbuffer = append_layer(backbone.flatbuffer, learned.head, np.concatenate([learned.out_of_fold, float_logits]))
    network = Network(flatbuffer)
    int8_test = np.array([network.logits(image).argmax() for image in dataset.test.images])
    parity = compare(dataset.test.right, float_logits.argmax(1), int8_test, dataset.labels)
    changed = _changed(frames, extract, learned.head, network) if frames else None
    refusal = refusal_of(by, parity, changed, options.max_drop_pp)
    if refusal is not None and not options.unproved:
        raise refusal
    if refusal is not None:
        echo(f"unproved: {refusal.what}")
    confidence = fit_confidence(learned.out_of_fold, known.right, known.sources, None)
    proved = Proved("none" if refusal else by, parity, changed, options.max_drop_pp)
    training = dataclasses.replace(_training(backbone, dataset, options), seconds=monotonic() - started)
    name = file_name(Path(options.out.stem))
    content = pack_taught(name, backbone, flatbuffer, dataset, confidence, training, proved)
    model_file.write(options.out, content)
    return TeachReport(
        parity=parity,
        model=str(options.out),
        bytes=len(content),
        labels=dataset.labels,
        learned_from=len(known),
        out_of_fold_accuracy=float(np.mean(learned.out_of_fold.argmax(1) == known.labels)),
        strength=learned.strength,
        max_drop_pp=options.max_drop_pp,
        accepted=refusal is None,
        proof=proved.by,
        frames=changed,
        skipped=dataset.skipped,
        seconds=monotonic() - started,
    )


def require_file(out: Path) -> None:
    """Raises FedgeError where a model file cannot be written because a folder is there."""
    if out.is_dir():
        raise FedgeError(f"{out} is a folder", "give the model file's name to --out")


def _changed(frames: Frames, extract: FeatureExtractor, head: LinearHead, network: Network) -> Changed:
    by_float = head.logits(np.stack([extract(image) for image in frames.images])).argmax(1)
    by_int8 = np.array([network.logits(image).argmax() for image in frames.images])
    changed = compare_answers(frames, by_float, by_int8)
    echo(f"{changed.changed} of {changed.n:,} frames changed: a loss of at most {changed.upper95_pp:.2f} points")
    return changed


def _training(backbone: Backbone, dataset: Dataset, options: TeachOptions) -> TrainingFacts:
    facts = backbone.manifest
    return TrainingFacts(
        data=dataset.name,
        data_sha256=dataset.sha256(),
        architecture=facts.architecture,
        parameters=facts.parameters + (facts.output.classes + 1) * len(dataset.labels),
        seed=0,
        epochs=0,
        looks=image_statistics(facts.preprocessing, dataset.train.images),
        versions={"fedge": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
        | {name: importlib.metadata.version(name) for name in ("numpy", "scikit-learn")},
        start=facts.name,
        test_share=options.test_share,
    )
