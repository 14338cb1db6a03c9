"""The `fedge adopt` command's work: a classifier made elsewhere is tested, calibrated and packed as a model file."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge import __version__
from fedge.commands.making.adopt_report import AdoptReport
from fedge.commands.making.teach import require_file
from fedge.data.dataset import Split, carve
from fedge.data.decoded.array import Images
from fedge.data.label_map import read_label_map
from fedge.data.load import load_for_evaluation
from fedge.errors import DataError
from fedge.evaluation.fit_confidence import fit_confidence
from fedge.evaluation.metrics import evaluate_predictions
from fedge.evaluation.parity import compare
from fedge.images.image_statistics import image_statistics
from fedge.making.foreign.network import ForeignNetwork, output_of, read_labels, read_network, require_known
from fedge.making.foreign.normalization import Asked, Wanted, find_out, recipe_for
from fedge.making.frames import Changed, Frames, compare_answers, read_frames
from fedge.making.golden import golden_of, kernel_difference
from fedge.making.model_card import front_matter
from fedge.making.proof import Carrier, carrier, refusal_of
from fedge.making.taught_file import Proved
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.confidence import Confidence
from fedge.model.format.foreign import ForeignOutput
from fedge.model.interpreter import Network
from fedge.model.manifest import (
    ADOPTED_FORMAT,
    AdoptedFacts,
    AdoptedManifest,
    FlatbufferFacts,
    SelfTestFacts,
)
from fedge.options import MAX_DROP_PP
from fedge.system.console import echo, file_name
from fedge.system.files import sha256

# The share of the pictures that accuracy is measured on; the others choose preprocessing, temperature and thresholds.
_TEST_SHARE = 0.5
_FEWEST = 10
_TOLERANCE_PICTURES = 3


@dataclass(frozen=True)
class AdoptOptions:
    """What the user asked for; `float_parent` is the float network that it was made from."""

    file: Path
    labels: Path
    data: str
    out: Path
    float_parent: Path | None = None
    label_map: Path | None = None
    asked: Asked = field(default_factory=Asked)
    max_drop_pp: float = MAX_DROP_PP
    frames: tuple[str, ...] = ()
    unproved: bool = False


@dataclass(frozen=True)
class _Ready:
    """A network with how it wants its pictures."""

    network: ForeignNetwork
    wanted: Wanted

    def answers(self, images: Images) -> NDArray[np.float64]:
        return self.network.answers(list(images), self.wanted.input)


def adopt(options: AdoptOptions) -> AdoptReport:
    """Tests the classifier, passes the gate where there is a parent, writes the model file, and gives the report.

    Raises ParityRefused where the gate says no: then no file is written.
    """
    require_file(options.out)
    network = read_network(options.file)
    labels = read_labels(options.labels, network.classes)
    parent = read_network(options.float_parent) if options.float_parent else None
    if parent is not None:
        require_known(network, parent)
    split = _load(options, network, labels)
    fitted, test = _halves(split)
    by: Carrier = "test"
    if parent is not None:
        frames = read_frames(options.frames, recipe_for(network, "stretch")) if options.frames else None
        by = carrier(len(test), frames, options.max_drop_pp, options.unproved).by
    ready = _Ready(network, find_out(network, fitted, options.asked))
    fitted, test = _halves(_load(options, network, labels, ready.wanted))
    answers = ready.answers(fitted.images)
    output = output_of(network, answers)
    by_file = ready.answers(test.images).argmax(axis=1)
    measured = evaluate_predictions(test.truth(by_file), by_file, labels)
    _say_if_useless(measured.accuracy, labels)
    proved = None
    if parent is not None:
        proved = _prove(options, _Ready(parent, find_out(parent, fitted, Asked())), ready, (test, by_file), by, labels)
    values = np.rint(answers / output.scale + output.zero_point) if output.dtype != "float32" else answers
    confidence = fit_confidence(output.real(values), fitted.right, fitted.sources, None)
    facts = AdoptedFacts(
        file=file_name(Path(network.file)),
        file_sha256=network.sha256,
        data=file_name(Path(Path(options.data).resolve().name)),
        data_sha256=sha256(b"".join(split.digests)),
        accuracy=measured.accuracy,
        n=measured.n,
        looks=image_statistics(ready.wanted.recipe, fitted.images),
        float_file=parent.file if parent else None,
        float_sha256=parent.sha256 if parent else None,
    )
    content = _pack(options, ready, output, confidence, facts, proved, fitted, labels)
    model_file.write(options.out, content)
    return AdoptReport(
        evaluation=measured,
        model=str(options.out),
        bytes=len(content),
        labels=labels,
        scale=ready.wanted.scale,
        order=ready.wanted.input.color_order,
        fit=ready.wanted.recipe.fit,
        output=output.kind,
        fitted_to=len(fitted),
        temperature=confidence.temperature,
        parity=proved.facts() if proved else None,
        accepted=proved is not None and proved.by != "none",
    )


def _load(
    options: AdoptOptions, network: ForeignNetwork, labels: tuple[str, ...], wanted: Wanted | None = None
) -> Split:
    recipe = wanted.recipe if wanted else recipe_for(network, "stretch")
    split, skipped = load_for_evaluation(options.data, recipe, read_label_map(options.label_map), labels)
    if wanted is None:
        for name in skipped:
            echo(f"skipped: {name}")
    # A picture that is there twice would be in both halves.
    _, first = np.unique(np.array([digest.hex() for digest in split.digests]), return_index=True)
    split = split.take(np.sort(first))
    if len(split) < _FEWEST:
        raise DataError(f"{options.data} has {len(split)} pictures", f"give {_FEWEST} or more, some of each class")
    return split


def _halves(split: Split) -> tuple[Split, Split]:
    return carve(split, round(len(split) * _TEST_SHARE), leave=1)


def _say_if_useless(accuracy: float, labels: tuple[str, ...]) -> None:
    if accuracy < 1.5 / len(labels):
        echo("that is hardly more than guessing: are the labels in the order of the network's outputs?")


def _prove(
    options: AdoptOptions,
    parent: _Ready,
    ready: _Ready,
    tested: tuple[Split, NDArray[np.int64]],
    by: Carrier,
    labels: tuple[str, ...],
) -> Proved:
    """Holds the file against its float parent; raises ParityRefused unless --unproved."""
    test, by_file = tested
    parents, _ = load_for_evaluation(options.data, parent.wanted.recipe, read_label_map(options.label_map), labels)
    wanted = {digest: i for i, digest in enumerate(parents.digests)}
    same = parents.take(np.array([wanted[digest] for digest in test.digests], dtype=np.int64))
    parity = compare(test.right, parent.answers(same.images).argmax(axis=1), by_file, labels)
    changed = _changed(options, parent, ready) if options.frames else None
    refusal = refusal_of(by, parity, changed, options.max_drop_pp)
    if refusal is not None and not options.unproved:
        raise refusal
    if refusal is not None:
        echo(f"unproved: {refusal.what}")
    return Proved("none" if refusal else by, parity, changed, options.max_drop_pp)


def _changed(options: AdoptOptions, parent: _Ready, ready: _Ready) -> Changed:
    frames: list[Frames] = [read_frames(options.frames, each.wanted.recipe) for each in (parent, ready)]
    by_float, by_int8 = (
        each.answers(some.images).argmax(axis=1) for each, some in zip((parent, ready), frames, strict=True)
    )
    changed = compare_answers(frames[0], by_float, by_int8)
    echo(f"{changed.changed} of {changed.n:,} frames changed: a loss of at most {changed.upper95_pp:.2f} points")
    return changed


def _pack(
    options: AdoptOptions,
    ready: _Ready,
    output: ForeignOutput,
    confidence: Confidence,
    facts: AdoptedFacts,
    proved: Proved | None,
    fitted: Split,
    labels: tuple[str, ...],
) -> bytes:
    flatbuffer, given = ready.network.flatbuffer, ready.wanted.input
    network = Network(flatbuffer)
    golden = golden_of(lambda image: network.logits(given.encode(image)), ready.wanted.recipe, fitted, len(labels))
    tolerance = kernel_difference(flatbuffer, [given.encode(image) for image in fitted.images[:_TOLERANCE_PICTURES]])
    manifest = AdoptedManifest(
        format=ADOPTED_FORMAT,
        least_fedge=__version__,
        name=file_name(Path(options.out.stem)),
        flatbuffer=FlatbufferFacts(len(flatbuffer), sha256(flatbuffer)),
        members={},
        input=given,
        preprocessing=ready.wanted.recipe,
        output=output,
        confidence=confidence,
        self_test=SelfTestFacts(tolerance),
        adopted=facts,
        parity=proved.facts() if proved else None,
    )
    vectors, card = self_test.pack(golden), _card(manifest, labels)
    hashes = {n: sha256(content) for n, content in model_file.member_bytes(labels, vectors, card).items()}
    return model_file.pack(flatbuffer, dataclasses.replace(manifest, members=hashes), labels, vectors, card)


def _card(manifest: AdoptedManifest, labels: tuple[str, ...]) -> str:
    facts, recipe = manifest.adopted, manifest.preprocessing
    parent = f"held against {facts.float_file}" if facts.float_file else "held against no float network"
    yaml = front_matter(manifest.name, facts.data, labels, facts.accuracy)
    return f"""{yaml}# {manifest.name}

A classifier made elsewhere, {facts.file}, adopted by fedge: {parent}.

Input: the whole picture, {recipe.width}x{recipe.height} pixels, {manifest.input.color_order}, {recipe.fit},
{manifest.input.dtype}. Classes: {", ".join(labels)}.

Right on {facts.accuracy:.2%} of {facts.n:,} pictures of {facts.data}. An answer with a score below
{manifest.confidence.reject_below.normal:.2f} is refused as unknown, below
{manifest.confidence.reject_below.strict:.2f} with `--reject strict`.

Check this file on a device with `fedge verify`; classify with `fedge run`.
"""
