"""The emitted files to put before the gate, each made at most once."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge.data.dataset import Dataset, hits
from fedge.data.decoded.array import Images
from fedge.errors import RunError
from fedge.evaluation.fit_confidence import fit_confidence
from fedge.evaluation.metrics import balanced_sample_weights
from fedge.evaluation.parity import compare
from fedge.evaluation.selective import refuse_by_energy
from fedge.model.confidence import Confidence, Floats, dequantize
from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network
from fedge.model.manifest import RecipeFacts
from fedge.options import QAT_EPOCHS
from fedge.system.console import echo
from fedge.system.progress import Progress
from fedge_quantize.calibration import CalibrationSet
from fedge_quantize.conversion.convert import convert
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_quantize.conversion.frozen import convert_frozen
from fedge_quantize.conversion.qat import quantization_aware
from fedge_train.networks.predict import predictor
from fedge_train.runs.out_of_fold import OUT_OF_FOLD, read_out_of_fold
from fedge_train.runs.pretrained import require_unchanged
from fedge_train.runs.run_folder import RunConfig
from fedge_train.training.batches import make_loader
from fedge_train.training.loop import Callbacks

Method = Literal["ptq", "qat"]


@dataclass(frozen=True)
class QuantizeOptions:
    """What the user asked for; without the test, the held-out pictures stand before the gate.

    `recipe` is what made the run, for the model file to say.
    """

    run: Path
    out: Path | None = None
    method: Literal["auto", "ptq", "qat"] = "auto"
    max_drop_pp: float | None = None
    qat_epochs: int = QAT_EPOCHS
    frames: tuple[str, ...] = ()
    unproved: bool = False
    data: tuple[str, ...] = ()
    with_test: bool = True
    recipe: RecipeFacts | None = None


@dataclass(frozen=True)
class Candidate:
    """An emitted flatbuffer, its answers, int64 [n], on the held-out pictures, and what was fitted to these."""

    method: Method
    flatbuffer: bytes
    by_held_out: NDArray[np.int64]
    confidence: Confidence


def emitted_logits(flatbuffer: bytes, images: Images) -> Floats:
    """What the emitted file's int8 logits stand for, [n, classes], from the interpreter that devices use."""
    network, output = Network(flatbuffer), read_graph(flatbuffer).outputs[0]
    logits = np.stack([network.logits(image) for image in images])
    return dequantize(logits, output.scales[0], output.zero_points[0])


class Candidates:
    """What the methods share, with each candidate made at most once."""

    def __init__(
        self,
        options: QuantizeOptions,
        config: RunConfig,
        dataset: Dataset,
        float_model: Model,
        calibration: CalibrationSet,
        max_drop_pp: float,
    ) -> None:
        self.max_drop_pp = max_drop_pp
        self.options, self.config, self.dataset = options, config, dataset
        self.float_model, self.calibration = float_model, calibration
        self._candidates: dict[Method, Candidate] = {}

    def candidate(self, method: Method) -> Candidate:
        """The file that this method emits, with its answers to the held-out pictures."""
        if method not in self._candidates:
            images = self.calibration.images
            if method == "ptq":
                echo(f"post-training quantization with {len(images)} calibration pictures")
                flatbuffer = self._converted(images)
            else:
                flatbuffer = convert(self._trained_on(), None)
            logits = emitted_logits(flatbuffer, self.dataset.held_out.images)
            self._candidates[method] = Candidate(method, flatbuffer, logits.argmax(-1), self._confidence(logits))
        return self._candidates[method]

    def _confidence(self, by_held_out: Floats) -> Confidence:
        """What is fitted to held-out pictures; or where these were learned too, to the answers of who had not."""
        config = self.config
        learned = config.head is not None or config.final_fit is not None
        answers = read_out_of_fold(self.options.run, len(config.labels)) if learned else None
        if answers is None and config.final_fit:
            raise RunError(f"{self.options.run} has no {OUT_OF_FOLD}", "fit it again with --final-fit")
        if answers is None:
            held_out = self.dataset.held_out
            seen = np.flatnonzero(~held_out.empty)
            return fit_confidence(
                by_held_out[seen], held_out.right[seen], held_out.sources[seen], config.plan.unknown_logit
            )
        logits = answers.logits.astype(np.float64)
        right = hits(answers.right, logits.argmax(-1))
        confidence = fit_confidence(logits, answers.right, answers.sources, config.plan.unknown_logit)
        if config.head is None:
            return confidence
        return refuse_by_energy(confidence, logits, right, balanced_sample_weights(answers.sources))

    def _converted(self, images: NDArray[np.uint8]) -> bytes:
        # Rounding costs a depth-wise network most; residual networks lose less by it than their test pictures can show.
        return (
            convert(fold(self.float_model), images)
            if self.config.head is None
            else convert_frozen(self.float_model, images)
        )

    def _trained_on(self) -> Model:
        epochs = self.options.qat_epochs
        require_unchanged(self.config.teachers, self.options.run, self.config)
        echo(f"quantization-aware training for {epochs} epochs")
        loader = make_loader(self.config, self.dataset)
        steps = loader.steps(1)
        with tempfile.TemporaryDirectory() as scratch, Progress("quantizing", steps * epochs) as progress:
            callbacks = Callbacks(
                step=lambda epoch, step, loss, accuracy: progress.reach(
                    steps * (epoch - 1) + step + 1, f"loss {loss:.4f} accuracy {accuracy:.4f}"
                ),
                epoch=lambda e: progress.line(
                    f"epoch {e.epoch}/{epochs}: accuracy {e.accuracy:.4f}, held out {e.held_out_accuracy:.4f}, "
                    f"{e.seconds:.0f} s"
                ),
            )
            return quantization_aware(
                fold(self.float_model),
                loader,
                self.dataset.held_out,
                self.calibration.images,
                self.config.seed,
                epochs,
                Path(scratch),
                callbacks,
            )


def methods_for(work: Candidates) -> tuple[Method, ...]:
    """The methods to put before the gate, in order.

    `auto` judges post-training quantization on the held-out pictures first, so that the test split is not what
    chooses; it goes straight to quantization-aware training where that fails there.
    """
    if work.options.method != "auto":
        return (work.options.method,)
    if work.config.head is not None:
        # Training would change the backbone, which learned more from 1.2 million photographs than it can from these.
        return ("ptq",)
    held_out = work.dataset.held_out
    by_float = predictor(work.float_model)(held_out.images).argmax(-1)
    by_int8 = work.candidate("ptq").by_held_out
    parity = compare(held_out.right, by_float, by_int8, work.dataset.labels)
    echo(
        f"ptq on {parity.n:,} held-out pictures: drop {parity.drop_pp:.2f}, at most {parity.drop_upper95_pp:.2f} points"
    )
    # The point estimate decides here: a small held-out split could never show a bound that a larger test split can.
    return ("ptq", "qat") if parity.drop_pp <= work.max_drop_pp / 2 else ("qat",)
