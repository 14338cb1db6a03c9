"""From an emitted file that passed the gate to a model file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedge import __version__
from fedge.data.dataset import Dataset, Split, stratified_sample
from fedge.errors import FedgeError
from fedge.evaluation.metrics import balanced_sample_weights
from fedge.images.image_statistics import image_statistics
from fedge.images.resize import resize_longest
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.flatbuffer import read_graph
from fedge.model.interpreter import Network
from fedge.model.manifest import (
    FORMAT,
    MAX_LOGIT_TOLERANCE,
    FlatbufferFacts,
    InputFacts,
    Manifest,
    OutputFacts,
    ParityFacts,
    Proof,
    SelfTestFacts,
    TrainingFacts,
)
from fedge.system.files import sha256
from fedge_quantize.candidates import Candidate, Candidates
from fedge_quantize.frames import Changed
from fedge_quantize.model_card import model_card
from fedge_quantize.parity import Parity
from fedge_train.runs.run_folder import read_cost

GOLDEN_PICTURES = 16
TOLERANCE_PICTURES = 200
# Golden photographs are kept this small so that the file stays small; a model's input is smaller still.
GOLDEN_SIDE = 160


@dataclass(frozen=True)
class ProvedBy:
    """What showed that no more was lost than was allowed: the test pictures, frames, or nothing."""

    by: Proof
    changed: Changed | None = None


def pack_candidate(work: Candidates, candidate: Candidate, parity: Parity, proved_by: ProvedBy, name: str) -> bytes:
    """The content of the model file: the candidate with its manifest, labels, golden vectors and model card."""
    config, dataset, recipe = work.config, work.dataset, work.config.recipe
    trained = read_cost(work.options.run)
    output = read_graph(candidate.flatbuffer).outputs[0]
    manifest = Manifest(
        format=FORMAT,
        least_fedge=__version__,
        name=name,
        flatbuffer=FlatbufferFacts(len(candidate.flatbuffer), sha256(candidate.flatbuffer)),
        members={},
        input=InputFacts(recipe.height, recipe.width, recipe.channels, recipe.color),
        preprocessing=recipe,
        output=OutputFacts(len(dataset.labels), output.scales[0], output.zero_points[0]),
        confidence=candidate.confidence,
        self_test=SelfTestFacts(logit_tolerance(candidate.flatbuffer, dataset.held_out)),
        training=TrainingFacts(
            data=dataset.name,
            data_sha256=config.data_sha256,
            architecture=config.architecture,
            parameters=int(work.float_model.count_params()),
            seed=config.seed,
            epochs=trained.epochs + (work.options.qat_epochs if candidate.method == "qat" else 0),
            looks=image_statistics(recipe, dataset.train.images, balanced_sample_weights(dataset.train.sources)),
            versions=config.versions,
            camera_like=config.plan.camera,
            seconds=trained.seconds,
            start=Path(config.start).name if config.start else None,
            teachers=tuple(Path(teacher).name for teacher in config.teachers),
            averaged=tuple(Path(run).name for run in config.averaged),
            test_share=config.test_share,
        ),
        parity=ParityFacts(
            float_accuracy=parity.float_accuracy,
            int8_accuracy=parity.int8_accuracy,
            drop_pp=parity.drop_pp,
            drop_upper95_pp=parity.drop_upper95_pp,
            max_drop_pp=work.options.max_drop_pp,
            agreement=parity.agreement,
            n=parity.n,
            method=candidate.method,
            proof=proved_by.by,
            frames=proved_by.changed.n if proved_by.changed else None,
            frames_changed_upper95_pp=proved_by.changed.upper95_pp if proved_by.changed else None,
        ),
    )
    vectors = self_test.pack(golden_vectors(candidate.flatbuffer, dataset))
    card = model_card(manifest, dataset.labels)
    hashes = {n: sha256(content) for n, content in model_file.member_bytes(dataset.labels, vectors, card).items()}
    return model_file.pack(
        candidate.flatbuffer, dataclasses.replace(manifest, members=hashes), dataset.labels, vectors, card
    )


def logit_tolerance(flatbuffer: bytes, held_out: Split) -> int:
    """By how many of 256 steps two right interpreters differ in a logit, from 1; raises FedgeError where too many."""
    fast, reference = Network(flatbuffer), Network(flatbuffer, reference=True)
    chosen = stratified_sample(held_out.labels, min(TOLERANCE_PICTURES, len(held_out)), seed=0)
    differences = [
        np.abs(fast.logits(image).astype(np.int16) - reference.logits(image)).max() for image in held_out.images[chosen]
    ]
    tolerance = max(1, int(max(differences)))
    if tolerance > MAX_LOGIT_TOLERANCE:
        raise FedgeError(
            f"two interpreters differ by {tolerance} of 256 in a logit of this network, so no self-test could judge it",
            "try --method qat, or another architecture",
        )
    return tolerance


def golden_vectors(flatbuffer: bytes, dataset: Dataset) -> self_test.GoldenVectors:
    """Raw held-out pictures and the int8 logits that the file gives for them: the device's self-test."""
    count = min(max(GOLDEN_PICTURES, len(dataset.labels)), self_test.MAX_PICTURES, len(dataset.held_out))
    chosen = stratified_sample(dataset.held_out.labels, count, seed=0)
    # A cut-out starts by shrinking to its own side; below that it computes from the picture's very pixels.
    side = min(GOLDEN_SIDE, cut_out.side) if (cut_out := dataset.recipe.cut_out) else GOLDEN_SIDE
    pictures = [resize_longest(dataset.held_out.raw_picture(i), side) for i in chosen]
    return self_test.make(Network(flatbuffer), dataset.recipe, pictures)
