"""What a worker does: a partition's pictures to the content of a Parquet file."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from distributed import WorkerPlugin

from fedge.bulk.items import Partition
from fedge.bulk.reading import contents
from fedge.bulk.rows import as_parquet, row
from fedge.errors import FedgeError
from fedge.images.picture import decode, heard_damage
from fedge.model.classifier import Classifier
from fedge.model.file import parse_bytes
from fedge.options import RejectMode

# A classifier is not for use from several threads at once, and neither is what listens to libjpeg.
_ONE_AT_A_TIME = threading.Lock()
_models: dict[str, bytes] = {}
_classifiers: dict[tuple[str, RejectMode], Classifier] = {}


@dataclass(frozen=True)
class Asked:
    """What all partitions have in common: the model's SHA-256, how certain an answer must be, and whether labels are
    known.
    """

    model_sha256: str
    reject: RejectMode
    labelled: bool


class ModelPlugin(WorkerPlugin):  # type: ignore[misc]
    """Brings the model file to each worker, also to one that comes later or in a lost one's place."""

    def __init__(self, model: bytes, model_sha256: str) -> None:
        self._model, self._sha256 = model, model_sha256
        self.name = f"fedge-{model_sha256}"

    def setup(self, worker: Any) -> None:
        """Keeps the model; what is parallel here are the workers, so each of them computes on one thread."""
        _models[self._sha256] = self._model
        cv2.setNumThreads(1)


def classify_partition(partition: Partition, asked: Asked) -> bytes:
    """Classifies a partition's pictures on a worker that has the model: the content of a Parquet file."""
    with _ONE_AT_A_TIME:
        key = (asked.model_sha256, asked.reject)
        if key not in _classifiers:
            _classifiers[key] = Classifier(parse_bytes(_models[asked.model_sha256]), asked.reject)
        return classify_items(partition, _classifiers[key], asked)


def classify_items(partition: Partition, classifier: Classifier, asked: Asked) -> bytes:
    """Classifies a partition's pictures with a loaded classifier: the content of a Parquet file."""
    threshold = classifier.model.manifest.confidence.threshold(asked.reject)
    rows = []
    with heard_damage():
        for item, data in contents(partition.items):
            if isinstance(data, FedgeError):
                rows.append(row(item, None, data, threshold, asked.model_sha256))
                continue
            try:
                answer = classifier.classify(decode(Path(item.uri), data))
            except FedgeError as error:
                rows.append(row(item, data, error, threshold, asked.model_sha256))
                continue
            rows.append(row(item, data, answer, threshold, asked.model_sha256))
    return as_parquet(rows, partition.digest, asked.labelled)
