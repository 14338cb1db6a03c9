"""The training loop: resumable after any interruption with the same final weights.

Everything random in epoch e is drawn from generators seeded with (seed, e), and a checkpoint after each epoch holds
every variable. So an epoch that was cut short is simply trained again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from fedge.data.dataset import Split, hits
from fedge.errors import RunError
from fedge_train.networks.predict import Predictor, predictor, to_input, weights_of
from fedge_train.networks.replicas import Replicas
from fedge_train.runs.history import Epoch
from fedge_train.training import checkpoints
from fedge_train.training.batches import Batch, BatchLoader
from fedge_train.training.checkpoints import BestEpoch, Facts
from fedge_train.training.prefetch import prefetch

Weights = list["np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Best:
    """The best epoch so far, by held-out accuracy, then loss, and its weights."""

    figures: BestEpoch
    weights: Weights

    def beaten_by(self, epoch: Epoch) -> bool:
        """Whether an epoch is better than this one."""
        return (epoch.held_out_accuracy, -epoch.held_out_loss) > (self.figures.accuracy, -self.figures.loss)


@dataclass(frozen=True)
class Callbacks:
    """Functions that are called after each step (epoch, step, loss and accuracy so far) and after each epoch."""

    step: Callable[[int, int, float, float], None] = lambda epoch, step, loss, accuracy: None
    epoch: Callable[[Epoch], None] = lambda epoch: None


class Trainer:
    """Trains one network.

    Args:
        model: the network; its weights are the starting point. Each of its replicas takes its share of each batch.
        loader: the training pictures and the plan.
        seed: of everything random after the initial weights.
    """

    def __init__(self, model: keras.Model, loader: BatchLoader, seed: int) -> None:
        plan = loader.plan
        self.model, self.loader, self.plan, self.seed = model, loader, plan, seed
        # A picture that was not shown yet counts as the hardest.
        self._losses = np.full(len(loader.split), np.inf, dtype=np.float32)
        self.replicas = Replicas(model.distribute_strategy)
        with self.replicas.strategy.scope():
            self._optimizer = _optimizer(loader)
            self._optimizer.build(model.trainable_variables)
            self._averages = [_average_of(weight) for weight in model.weights] if plan.ema else []
        self._kernels = [v.name.split("/")[-1].startswith("kernel") for v in model.trainable_variables]
        step = self._train_step if self.replicas.count == 1 else self._shared_step
        self._step = tf.function(step, reduce_retracing=True)

    def train_epoch(self, epoch: int, callbacks: Callbacks) -> tuple[float, float]:
        """One pass in an order and with changes drawn from (seed, epoch); gives mean loss and accuracy."""
        generator = np.random.default_rng([self.seed, epoch])
        self._seed_dropout(epoch)
        loss_sum, shown, correct, known = 0.0, 0.0, 0.0, 0.0
        for step, batch in enumerate(prefetch(self.loader.batches(generator, epoch, self._losses))):
            losses, found = (each.numpy() for each in self.step(batch))
            self._losses[batch.chosen] = losses[: len(batch.chosen)]
            if not np.isfinite(losses).all():
                raise RunError(
                    f"the training diverged in epoch {epoch}: its loss is no number any more",
                    f"give a --learning-rate below {self.plan.learning_rate:g}",
                )
            loss_sum, shown = loss_sum + float(losses @ batch.counts), shown + float(batch.counts.sum())
            correct += float(found @ batch.counts)
            known += float(batch.right.any(axis=1) @ batch.counts)
            callbacks.step(epoch, step, loss_sum / shown, correct / known)
        return loss_sum / shown, correct / known

    def step(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Learns from a batch, of which each replica takes its share; each picture's loss and whether it is right.

        Both, float32 and bool [n], are of the whole batch on every worker.
        """
        given = (batch.images, batch.right, batch.soft, batch.counts)
        total = np.float32(len(batch.counts))
        if self.replicas.count == 1:
            return self._step(*given, total)
        return self._step(self.replicas.divided(given), total)

    def kept_weights(self) -> Weights:
        """The weights to evaluate and keep: their running average, or the weights themselves without one."""
        return [average.numpy() for average in self._averages] or weights_of(self.model)

    def state(self) -> dict[str, "np.ndarray[Any, Any]"]:
        """Every variable that the next epoch depends on."""
        arrays = {
            f"{name}_{i:04d}": v.numpy() for name, group in self._variables().items() for i, v in enumerate(group)
        }
        return arrays | {"losses": self._losses}

    def restore(self, arrays: dict[str, "np.ndarray[Any, Any]"]) -> None:
        """Sets every variable as `state` gave it."""
        for name, group in self._variables().items():
            for i, variable in enumerate(group):
                variable.assign(arrays[f"{name}_{i:04d}"])
        self._losses = arrays["losses"].copy()

    def _variables(self) -> dict[str, list[tf.Variable]]:
        return {"model": self.model.weights, "optimizer": self._optimizer.variables, "average": self._averages}

    def _shared_step(self, given: Any, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        strategy = self.replicas.strategy
        losses, found = strategy.run(self._train_step, args=(*given, total))
        right = strategy.run(tf.cast, args=(found, tf.int32))
        return strategy.gather(losses, axis=0), tf.cast(strategy.gather(right, axis=0), tf.bool)

    def _train_step(
        self, images: tf.Tensor, right: tf.Tensor, soft: tf.Tensor, counts: tf.Tensor, total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            logits = tf.cast(self.model(to_input(images), training=True), tf.float32)
            losses = answer_loss(logits, right, soft, self.plan.open_set)
            loss = tf.reduce_sum(counts * losses) / total
        gradients = tape.gradient(loss, variables)
        if self.replicas.count > 1:
            # Before the weights' decay, which all replicas have alike.
            gradients = tf.distribute.get_replica_context().all_reduce("SUM", gradients)
        if self.plan.weight_decay:
            decay = self.plan.weight_decay
            gradients = [g + decay * v if k else g for g, v, k in zip(gradients, variables, self._kernels, strict=True)]
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True), skip_gradients_aggregation=True)
        self._average_weights()
        return losses, tf.gather(right, tf.argmax(logits, -1), batch_dims=1)

    def _average_weights(self) -> None:
        # Early on the average must forget the random start faster than its final decay does.
        done = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self.plan.ema, (1 + done) / (10 + done))
        for average, weight in zip(self._averages, self.model.weights, strict=bool(self._averages)):
            if weight.dtype.is_floating:
                average.assign_sub((1 - decay) * (average - weight))
            else:
                average.assign(weight)

    def _seed_dropout(self, epoch: int) -> None:
        for number, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout):
                seed = int(np.random.default_rng([self.seed, epoch, number]).integers(2**31))
                layer._random_generator._generator.reset_from_seed(seed)


def fit(
    model: keras.Model, loader: BatchLoader, held_out: Split, seed: int, folder: Path, callbacks: Callbacks
) -> tuple[Best, list[Epoch]]:
    """Trains to the last epoch of the loader's plan, or until its patience ends.

    It goes on from the newest sound checkpoint in `folder`, if any, which of several workers only the chief reads and
    writes. Returns the best epoch's weights by held-out
    accuracy, or where the plan says when to stop the last one's, and every epoch's figures.
    """
    trainer = Trainer(model, loader, seed)
    replicas = trainer.replicas
    # A replica's running statistics cannot be read without the other workers.
    answering = model if replicas.count == 1 else keras.models.clone_model(model)
    predict = replicas.predictor(predictor(answering))
    history: list[Epoch] = []
    best = Best(BestEpoch(0, -1.0, float("inf")), [])
    saved = replicas.of_the_chief(checkpoints.latest(folder) if replicas.is_chief else b"")
    if saved:
        arrays, facts = checkpoints.read(saved)
        trainer.restore(arrays)
        history = list(facts.history)
        best = Best(facts.best, [arrays[f"best_{i:04d}"] for i in range(len(model.weights))])
    for epoch in range(len(history) + 1, loader.plan.last_epoch + 1):
        if loader.plan.patience and len(history) - best.figures.epoch >= loader.plan.patience:
            break
        started = perf_counter()
        loss, accuracy = trainer.train_epoch(epoch, callbacks)
        weights, going_on = trainer.kept_weights(), weights_of(model)
        answering.set_weights(weights)
        held_out_loss, held_out_accuracy = validate(predict, held_out)
        if answering is model:
            model.set_weights(going_on)
        figures = Epoch(epoch, loss, accuracy, held_out_loss, held_out_accuracy, perf_counter() - started)
        history.append(figures)
        if loader.plan.stop or best.beaten_by(figures):
            best = Best(BestEpoch(epoch, held_out_accuracy, held_out_loss), weights)
        arrays = trainer.state() | {f"best_{i:04d}": weight for i, weight in enumerate(best.weights)}
        if replicas.is_chief:
            checkpoints.save(folder, epoch, arrays, Facts(tuple(history), best.figures))
        callbacks.epoch(figures)
    return best, history


def validate(predict: Predictor, split: Split) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of a float network on a split; each of its sources counts equally."""
    logits = predict(split.images)
    loss = answer_loss(logits, split.right, np.zeros_like(logits)).numpy()
    found = hits(split.right, logits.argmax(-1))
    each = [split.sources == source for source in np.unique(split.sources)]
    return float(np.mean([loss[s].mean() for s in each])), float(np.mean([found[s].mean() for s in each]))


def answer_loss(logits: tf.Tensor, right: tf.Tensor, soft: tf.Tensor, open_set: bool = False) -> tf.Tensor:
    """Each picture's loss, float32 [n]: cross-entropy with any of the right classes, and with the soft targets.

    Args:
        logits: float32, [n, classes].
        right: bool, [n, classes]; the share of the loss that `soft` leaves is the negative logarithm of the right
            classes' summed probability, so that where several are right, any of them will do.
        soft: float32, [n, classes]: target probabilities, each row times its weight in 0..1.
        open_set: whether "none of these" is an answer too, its logit fixed at 0: the right one where `right` has none.
    """
    if open_set:
        logits = tf.pad(logits, [[0, 0], [0, 1]])
        right = tf.concat([right, tf.logical_not(tf.reduce_any(right, -1, keepdims=True))], -1)
        soft = tf.pad(soft, [[0, 0], [0, 1]])
    log_p = tf.nn.log_softmax(logits)
    any_right = tf.reduce_logsumexp(tf.where(right, log_p, log_p.dtype.min), axis=-1)
    by_soft = tf.reduce_sum(soft * log_p, axis=-1)
    return (tf.reduce_sum(soft, -1) - 1) * any_right - by_soft


def _optimizer(loader: BatchLoader) -> keras.optimizers.Optimizer:
    plan, steps = loader.plan, loader.steps_until(loader.plan.epochs)
    warmup = min(round(plan.warmup_epochs * loader.steps(1)), steps - 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else plan.learning_rate,
        max(1, steps - warmup),
        warmup_target=plan.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    # XLA makes these networks slower on a CPU.
    if plan.optimizer == "adam":
        return keras.optimizers.Adam(schedule, jit_compile=False)
    return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, jit_compile=False)


def _average_of(weight: tf.Variable) -> tf.Variable:
    # Each replica keeps its own, as all of them compute the same.
    return tf.Variable(
        weight,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
