"""The `fedge quantize` command's work."""

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge import __version__, golden, modelfile
from fedge.arithmetic import Floats, dequantize
from fedge.data.dataset import Dataset, Split, stratified_sample
from fedge.errors import FedgeError
from fedge.files import sha256, write_json
from fedge.flatbuffer import read_graph
from fedge.looks import looks
from fedge.manifest import (
    FORMAT,
    MAX_LOGIT_TOLERANCE,
    Confidence,
    FlatbufferFacts,
    InputFacts,
    Manifest,
    OutputFacts,
    ParityFacts,
    SelfTestFacts,
    TrainingFacts,
)
from fedge.metrics import equal_weights
from fedge.options import MAX_DROP_PP, QAT_EPOCHS
from fedge.printable import file_name
from fedge.progress import Progress
from fedge.runtime import Network
from fedge.shrink import shrink
from fedge.telling import tell
from fedge_quantize.calibration import CalibrationSet, calibration_set, fit_confidence
from fedge_quantize.card import model_card
from fedge_quantize.convert import convert
from fedge_quantize.doubt import doubt_report, plot_doubt
from fedge_quantize.flips import plot_flips
from fedge_quantize.folding import fold
from fedge_quantize.parity import Parity, compare, refused
from fedge_quantize.qat import quantization_aware
from fedge_train.lessons import lessons_of
from fedge_train.predict import predictor
from fedge_train.pretrained import require_unchanged
from fedge_train.run import REPORT, RunConfig, load_float_model, load_run_data, read_config, read_report
from fedge_train.training import Watcher

Method = Literal["ptq", "qat"]

GOLDEN_PICTURES = 16
TOLERANCE_PICTURES = 200
# Golden photographs are kept this small so that the file stays small; a model's input is smaller still.
GOLDEN_SIDE = 160


@dataclass(frozen=True)
class QuantizeOptions:
    """What the user asked for."""

    run: Path
    out: Path | None = None
    method: Literal["auto", "ptq", "qat"] = "auto"
    max_drop_pp: float = MAX_DROP_PP
    qat_epochs: int = QAT_EPOCHS


@dataclass(frozen=True)
class Candidate:
    """An emitted flatbuffer, its answers, int64 [n], on the held-out pictures, and what was fitted to these."""

    method: Method
    flatbuffer: bytes
    by_held_out: NDArray[np.int64]
    confidence: Confidence


def quantize(options: QuantizeOptions) -> dict[str, Any]:
    """Quantizes a run, passes the gate, writes the model file, and gives the report.

    Raises ParityRefused where the gate says no: then the report is kept and no model file is written.
    """
    config = read_config(options.run)
    out = options.out or options.run / f"{options.run.resolve().name}.tflite"
    if out.is_dir():
        raise FedgeError(f"{out} is a folder", "give the model file's name to --out")
    dataset = load_run_data(options.run, config)
    float_model = load_float_model(options.run, config)
    work = _Work(options, config, dataset, float_model, calibration_set(dataset.train, config.seed))
    float_test = predictor(float_model)(dataset.test.images).argmax(-1)
    methods = _methods(work)
    for method in methods:
        candidate = work.candidate(method)
        tell(f"running the emitted {method} file over {len(dataset.test):,} test pictures")
        logits = emitted_logits(candidate.flatbuffer, dataset.test)
        int8_test = logits.argmax(-1)
        parity = compare(dataset.test.right, float_test, int8_test, dataset.labels)
        doubt = doubt_report(candidate.confidence, logits, dataset.test, config.data)
        refusal = refused(parity, options.max_drop_pp)
        if refusal is None:
            # Before the report, which says that there is one.
            modelfile.write(out, _pack(work, candidate, parity, file_name(Path(out.stem))))
        report = _report(work, candidate, parity, methods, None if refusal else out) | {"doubt": doubt}
        folder = options.run / "quantize"
        write_json(folder / REPORT, report)
        plot_flips(folder / "flips.png", dataset, float_test, int8_test)
        plot_doubt(folder / "doubt.png", doubt)
        if refusal is None:
            break
        if method != methods[-1]:
            tell(f"{method} refused: {refusal.what}")
    if refusal is not None:
        raise refusal
    return report


def emitted_logits(flatbuffer: bytes, split: Split) -> Floats:
    """What the emitted file's int8 logits stand for, [n, classes], from the interpreter that devices use."""
    network, output = Network(flatbuffer), read_graph(flatbuffer).outputs[0]
    logits = np.stack([network.logits(image) for image in split.images])
    return dequantize(logits, output.scales[0], output.zero_points[0])


class _Work:
    """What the methods share, with each candidate made at most once."""

    def __init__(
        self,
        options: QuantizeOptions,
        config: RunConfig,
        dataset: Dataset,
        float_model: Model,
        calibration: CalibrationSet,
    ) -> None:
        self.options, self.config, self.dataset = options, config, dataset
        self.float_model, self.calibration = float_model, calibration
        self._folded = fold(float_model)
        self._candidates: dict[Method, Candidate] = {}

    def candidate(self, method: Method) -> Candidate:
        if method not in self._candidates:
            images = self.calibration.images
            if method == "ptq":
                tell(f"post-training quantization with {len(images)} calibration pictures")
                flatbuffer = convert(self._folded, images)
            else:
                flatbuffer = convert(self._trained_on(), None)
            held_out = self.dataset.held_out
            logits = emitted_logits(flatbuffer, held_out)
            seen = np.flatnonzero(~held_out.empty)
            confidence = fit_confidence(
                logits[seen], held_out.right[seen], held_out.sources[seen], self.config.plan.unknown_logit
            )
            self._candidates[method] = Candidate(method, flatbuffer, logits.argmax(-1), confidence)
        return self._candidates[method]

    def _trained_on(self) -> Model:
        epochs = self.options.qat_epochs
        require_unchanged(self.config.teachers, self.options.run, self.config)
        tell(f"quantization-aware training for {epochs} epochs")
        lessons = lessons_of(self.config, self.dataset)
        steps = lessons.steps(1)
        with tempfile.TemporaryDirectory() as scratch, Progress("quantizing", steps * epochs) as progress:
            watcher = Watcher(
                step=lambda epoch, step, loss, accuracy: progress.reach(
                    steps * (epoch - 1) + step + 1, f"loss {loss:.4f} accuracy {accuracy:.4f}"
                ),
                epoch=lambda e: progress.line(
                    f"epoch {e.epoch}/{epochs}: accuracy {e.accuracy:.4f}, held out {e.held_out_accuracy:.4f}, "
                    f"{e.seconds:.0f} s"
                ),
            )
            return quantization_aware(
                self._folded,
                lessons,
                self.dataset.held_out,
                self.calibration.images,
                self.config.seed,
                epochs,
                Path(scratch),
                watcher,
            )


def _methods(work: _Work) -> tuple[Method, ...]:
    """The methods to put before the gate, in order.

    `auto` judges post-training quantization on the held-out pictures first, so that the test split is not what
    chooses; it goes straight to quantization-aware training where that fails there.
    """
    if work.options.method != "auto":
        return (work.options.method,)
    held_out = work.dataset.held_out
    by_float = predictor(work.float_model)(held_out.images).argmax(-1)
    by_int8 = work.candidate("ptq").by_held_out
    parity = compare(held_out.right, by_float, by_int8, work.dataset.labels)
    tell(
        f"ptq on {parity.n:,} held-out pictures: drop {parity.drop_pp:.2f}, at most {parity.drop_upper95_pp:.2f} points"
    )
    # The point estimate decides here: a small held-out split could never show a bound that a larger test split can.
    return ("ptq", "qat") if parity.drop_pp <= work.options.max_drop_pp / 2 else ("qat",)


def _report(
    work: _Work, candidate: Candidate, parity: Parity, methods: tuple[Method, ...], out: Path | None
) -> dict[str, Any]:
    return {
        **dataclasses.asdict(parity),
        "max_drop_pp": work.options.max_drop_pp,
        "accepted": out is not None,
        "method": candidate.method,
        "methods_before_the_gate": list(methods[: methods.index(candidate.method) + 1]),
        "bytes": len(candidate.flatbuffer),
        "calibration": {"pictures": len(work.calibration.images), "sha256": work.calibration.sha256},
        "confidence": dataclasses.asdict(candidate.confidence),
        "model": str(out) if out else None,
    }


def _pack(work: _Work, candidate: Candidate, parity: Parity, name: str) -> bytes:
    config, dataset, recipe = work.config, work.dataset, work.config.recipe
    trained = read_report(work.options.run)
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
        self_test=SelfTestFacts(_logit_tolerance(candidate.flatbuffer, dataset.held_out)),
        training=TrainingFacts(
            data=dataset.name,
            data_sha256=config.data_sha256,
            architecture=config.architecture,
            parameters=int(work.float_model.count_params()),
            seed=config.seed,
            epochs=trained["epochs"] + (work.options.qat_epochs if candidate.method == "qat" else 0),
            looks=looks(recipe, dataset.train.images, equal_weights(dataset.train.sources)),
            versions=config.versions,
            camera_like=config.plan.camera,
            seconds=trained["seconds"],
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
        ),
    )
    vectors = golden.pack(_golden(candidate.flatbuffer, dataset))
    card = model_card(manifest, dataset.labels)
    hashes = {n: sha256(content) for n, content in modelfile.member_bytes(dataset.labels, vectors, card).items()}
    return modelfile.pack(
        candidate.flatbuffer, dataclasses.replace(manifest, members=hashes), dataset.labels, vectors, card
    )


def _logit_tolerance(flatbuffer: bytes, held_out: Split) -> int:
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


def _golden(flatbuffer: bytes, dataset: Dataset) -> golden.Golden:
    count = min(max(GOLDEN_PICTURES, len(dataset.labels)), golden.MAX_PICTURES, len(dataset.held_out))
    chosen = stratified_sample(dataset.held_out.labels, count, seed=0)
    # A cut-out starts by shrinking to its own side; below that it computes from the picture's very pixels.
    side = min(GOLDEN_SIDE, cut_out.side) if (cut_out := dataset.recipe.cut_out) else GOLDEN_SIDE
    pictures = [shrink(dataset.held_out.raw_picture(i), side) for i in chosen]
    return golden.make(Network(flatbuffer), dataset.recipe, pictures)
