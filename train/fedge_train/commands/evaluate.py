"""`fedge eval` on a run folder: the float network on labelled pictures."""

from pathlib import Path

import numpy as np

from fedge.commands.evaluate_report import EvaluationReport
from fedge.data.label_map import read_label_map
from fedge.data.load import load_for_evaluation
from fedge.errors import FedgeError
from fedge.evaluation.metrics import evaluate_predictions, expected_calibration_error
from fedge.model.confidence import softmax
from fedge_train.networks.predict import predictor
from fedge_train.runs.run_folder import load_float_model, load_run_data, read_config, require_learned


def evaluate_run(folder: Path, data: str | None, label_map: Path | None) -> EvaluationReport:
    """Evaluates a run's float network on `data`, or on its own test split.

    Raises FedgeError where the pictures cannot be found, or a label map is given without `data`.
    """
    config = read_config(folder)
    skipped: list[str] = []
    if data is None and label_map is not None:
        raise FedgeError("--map is for other pictures than the run's own", "say with --data which they are")
    if data is None:
        dataset = load_run_data(folder, config)
        split, skipped = dataset.test, list(dataset.skipped)
    else:
        split, skipped = load_for_evaluation(data, config.recipe, read_label_map(label_map), config.labels)
    logits = predictor(load_float_model(folder, config))(split.images)
    require_learned(folder, logits)
    predicted = logits.argmax(axis=-1)
    truth = split.truth(predicted)
    return EvaluationReport(
        model=str(folder),
        data=data or "+".join(config.data),
        skipped=tuple(skipped),
        evaluation=evaluate_predictions(truth, predicted, config.labels),
        ece=expected_calibration_error(softmax(logits.astype(np.float64)), truth),
    )
