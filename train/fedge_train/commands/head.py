"""Training a linear head on what ImageNet taught a backbone."""

from time import monotonic

from fedge.data.dataset import hits, join
from fedge.system.console import echo
from fedge.system.files import write_json
from fedge_train.commands.train_settings import Start
from fedge_train.runs.out_of_fold import OutOfFold, write_out_of_fold
from fedge_train.runs.report import Answers, Outcome, TrainReport, write_report
from fedge_train.runs.run_folder import (
    HISTORY,
    build_for,
    load_float_model,
    save_weights,
    write_config,
    write_extractor,
)
from fedge_train.training.enough_report import enough_report
from fedge_train.training.linear_head import cross_validate, features_of_views, fit_head, folds_of, install
from fedge_train.training.start import start_network


def learn_head(start: Start, strength: float) -> TrainReport:
    """Learns a head of this strength, and gives the run's report.

    `strength` is the inverse strength of the L2 penalty. The held-out pictures are learned from too: what is fitted
    later, as the temperature, is fitted to out-of-fold answers, which are kept in the run folder.
    """
    started = monotonic()
    folder, config, dataset, chosen = start.folder, start.config, start.dataset, start.chosen
    if start.own is not None:
        write_extractor(folder, start.own)
    write_config(folder, config)
    pool = join([dataset.train, dataset.held_out])
    echo(f"learning a head for {config.architecture} from {len(pool):,} pictures -> {folder}")
    if config.backbone is None:
        model = start_network(config.architecture, config.recipe.shape, len(config.labels), config.seed)
    else:
        model = build_for(folder, config)
    views = features_of_views(model, pool.images) if chosen is None or chosen.views is None else chosen.views
    found = chosen.head if chosen else None
    if found is None or found.strength != strength:
        found = cross_validate(views, pool.labels, folds_of(pool.labels), (strength,))
    install(model, fit_head(views, pool.labels, strength))
    save_weights(folder, model)
    write_json(folder / HISTORY, [])
    write_out_of_fold(folder, OutOfFold(found.logits, pool.right, pool.sources))
    accuracy = float(hits(pool.right, found.logits.argmax(-1)).mean())
    outcome = Outcome(0, accuracy, monotonic() - started, best_epoch=0)
    enough = enough_report(folder, dataset, views, found)
    model = load_float_model(folder, config)
    return write_report(folder, config, model, dataset, outcome, enough, Answers(pool, found.logits))
