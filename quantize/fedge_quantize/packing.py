"""From an emitted file that passed the gate to a model file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from fedge import __version__
from fedge.evaluation.metrics import balanced_sample_weights
from fedge.evaluation.parity import Parity
from fedge.images.image_statistics import image_statistics
from fedge.making.frames import Changed
from fedge.making.golden import golden_vectors, logit_tolerance
from fedge.making.model_card import model_card
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.format.flatbuffer import read_graph
from fedge.model.manifest import (
    FORMAT,
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
from fedge_train.networks.extractor_network import parameters_of
from fedge_train.runs.run_folder import read_cost


@dataclass(frozen=True)
class ProvedBy:
    """What showed that no more was lost than was allowed, and the figures of frames and of out-of-fold answers."""

    by: Proof
    changed: Changed | None = None
    by_folds: Parity | None = None


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
            parameters=parameters_of(work.float_model),
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
            recipe=work.options.recipe,
        ),
        parity=ParityFacts(
            float_accuracy=parity.float_accuracy,
            int8_accuracy=parity.int8_accuracy,
            drop_pp=parity.drop_pp,
            drop_upper95_pp=parity.drop_upper95_pp,
            max_drop_pp=work.max_drop_pp,
            agreement=parity.agreement,
            n=parity.n,
            judged_on=dataset.judged_on,
            method=candidate.method,
            proof=proved_by.by,
            frames=proved_by.changed.n if proved_by.changed else None,
            frames_changed_upper95_pp=proved_by.changed.upper95_pp if proved_by.changed else None,
            out_of_fold=proved_by.by_folds.n if proved_by.by_folds else None,
            out_of_fold_upper95_pp=proved_by.by_folds.drop_upper95_pp if proved_by.by_folds else None,
        ),
    )
    vectors = self_test.pack(golden_vectors(candidate.flatbuffer, dataset))
    card = model_card(manifest, dataset.labels)
    hashes = {n: sha256(content) for n, content in model_file.member_bytes(dataset.labels, vectors, card).items()}
    return model_file.pack(
        candidate.flatbuffer, dataclasses.replace(manifest, members=hashes), dataset.labels, vectors, card
    )
