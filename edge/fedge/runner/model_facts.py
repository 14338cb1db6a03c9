"""What people are told of the model that answers."""

from pathlib import Path

from fedge import __version__
from fedge.model.classifier import Classifier
from fedge.model.shipped import is_shipped
from fedge.runner.health import ModelFacts


def model_facts(path: Path, classifier: Classifier) -> ModelFacts:
    """What people are told of a classifier that was loaded from `path`."""
    return ModelFacts(
        name=classifier.model.manifest.name,
        classes=len(classifier.labels),
        file="comes with fedge" if is_shipped(path) else str(path.resolve()),
        build=classifier.model.sha256[:12],
        version=__version__,
    )
