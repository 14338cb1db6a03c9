"""From a taught head to the content of a model file."""

import dataclasses
from dataclasses import dataclass

from fedge import __version__
from fedge.data.dataset import Dataset
from fedge.evaluation.parity import Parity
from fedge.making.backbone import Backbone
from fedge.making.frames import Changed
from fedge.making.golden import golden_vectors, tolerance_on_few
from fedge.making.graph.metadata import with_metadata
from fedge.making.model_card import model_card
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.confidence import Confidence
from fedge.model.format.flatbuffer import read_graph
from fedge.model.manifest import (
    FORMAT,
    FlatbufferFacts,
    Manifest,
    OutputFacts,
    ParityFacts,
    Proof,
    SelfTestFacts,
    TrainingFacts,
)
from fedge.system.files import sha256


@dataclass(frozen=True)
class Proved:
    """What showed that no more than `max_drop_pp` points were lost, and the figures of test pictures and frames."""

    by: Proof
    parity: Parity
    changed: Changed | None
    max_drop_pp: float

    def facts(self) -> ParityFacts:
        """The figures as a manifest has them."""
        parity, changed = self.parity, self.changed
        return ParityFacts(
            float_accuracy=parity.float_accuracy,
            int8_accuracy=parity.int8_accuracy,
            drop_pp=parity.drop_pp,
            drop_upper95_pp=parity.drop_upper95_pp,
            max_drop_pp=self.max_drop_pp,
            agreement=parity.agreement,
            n=parity.n,
            method="ptq",
            proof=self.by,
            frames=changed.n if changed else None,
            frames_changed_upper95_pp=changed.upper95_pp if changed else None,
        )


def pack_taught(
    name: str,
    backbone: Backbone,
    flatbuffer: bytes,
    dataset: Dataset,
    confidence: Confidence,
    training: TrainingFacts,
    proved: Proved,
) -> bytes:
    """The content of a model file: the backbone with its head, manifest, labels, golden vectors and model card."""
    facts = backbone.manifest
    flatbuffer = with_metadata(flatbuffer, name, facts.preprocessing, model_file.LABELS)
    output = read_graph(flatbuffer).outputs[0]
    manifest = Manifest(
        format=FORMAT,
        least_fedge=__version__,
        name=name,
        flatbuffer=FlatbufferFacts(len(flatbuffer), sha256(flatbuffer)),
        members={},
        input=facts.input,
        preprocessing=facts.preprocessing,
        output=OutputFacts(len(dataset.labels), output.scales[0], output.zero_points[0]),
        confidence=confidence,
        self_test=SelfTestFacts(tolerance_on_few(flatbuffer, dataset.held_out)),
        training=training,
        parity=proved.facts(),
    )
    vectors = self_test.pack(golden_vectors(flatbuffer, dataset))
    card = model_card(manifest, dataset.labels)
    hashes = {n: sha256(content) for n, content in model_file.member_bytes(dataset.labels, vectors, card).items()}
    return model_file.pack(flatbuffer, dataclasses.replace(manifest, members=hashes), dataset.labels, vectors, card)
