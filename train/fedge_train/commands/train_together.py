"""The `fedge train --workers` command's work."""

import json
from pathlib import Path

import tensorflow as tf

from fedge.data.picture_files import PictureFiles
from fedge.model.format.schema import from_json
from fedge.system.console import echo
from fedge_train.commands.train import new_model, train
from fedge_train.commands.train_settings import TrainOptions
from fedge_train.commands.workers import find_own, lost_workers_told, open_strategy, shared_model
from fedge_train.networks.replicas import Replicas
from fedge_train.runs.pretrained import require_unchanged
from fedge_train.runs.report import TrainReport
from fedge_train.runs.run_folder import RunConfig, load_run_data
from fedge_train.training.batches import make_loader
from fedge_train.training.loop import Callbacks, fit


def train_together(options: TrainOptions, addresses: tuple[str, ...], number: int | None) -> TrainReport | None:
    """Trains as one of several workers; gives the report where this one is the chief. Raises FedgeError."""
    workers = find_own(addresses, number)
    echo(f"worker {workers.number} of {len(addresses)} waits for the others")
    strategy = open_strategy(workers)
    with lost_workers_told():
        if workers.number == 0:
            return train(options, strategy)
        _follow(strategy, options.data)
        echo(f"done: the run is written by the chief, {addresses[0]}")
        return None


def _follow(strategy: tf.distribute.Strategy, moved_to: tuple[str, ...]) -> None:
    """Trains what the chief trains, with this machine's own pictures, which must be the same."""
    config = from_json(RunConfig, json.loads(Replicas(strategy).of_the_chief(b"")))
    folder = Path("the chief's run")
    require_unchanged(config.origins, folder, config)
    files = PictureFiles()
    dataset = load_run_data(folder, config, moved_to, files.read_with_notes, with_test=False)
    loader = make_loader(config, dataset, files)
    files.release()
    model = shared_model(new_model(config, dataset), strategy)
    fit(model, loader, dataset.held_out, config.seed, folder, Callbacks())
