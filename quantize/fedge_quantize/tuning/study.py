"""The study: Optuna's trials, kept in a journal or a database that several workers share."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from fedge.errors import FedgeError
from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.space import known, sizes

NAME = "fedge"
STORAGE_VARIABLE = "FEDGE_TUNE_STORAGE"
# One that was broken off by Ctrl-C or an error is made again.
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_ASKED = "asked"
# What a limit is exceeded by, each a share of it; at most 0 where it is kept.
LIMITS = "limits"
_ANOTHER = "give another --storage, or the options that it was started with"


@dataclass(frozen=True)
class Row:
    """A trial that has ended.

    Attributes:
        number: counts from 0.
        state: `complete`, `pruned` or `failed`.
        accuracy: of the int8 network on held-out pictures, 0..1; None where it did not come to that.
        bytes: of the flatbuffer, or None.
        ms: for a frame, or None.
        drop_upper95_pp: the most that quantization may have cost, in points, or None.
        feasible: whether it keeps all limits and passes the gate.
        architecture, size, method: what it chose, or None.
        run: its folder; None where there is none.
        reason: why it was ended early; None where it was not.
    """

    number: int
    state: str
    accuracy: float | None
    bytes: int | None
    ms: float | None
    drop_upper95_pp: float | None
    feasible: bool
    architecture: str | None
    size: int | None
    method: str | None
    run: str | None
    reason: str | None


def open_study(options: TuneOptions) -> optuna.Study:
    """The study in the storage asked for, made if need be.

    Raises FedgeError where the storage cannot be used, or holds a study with other limits or choices.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _no_warnings():
        pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
        storage = _storage(options)
        study = optuna.create_study(
            storage=storage, pruner=pruner, study_name=NAME, direction="maximize", load_if_exists=True
        )
        # Who goes on with a study must not draw again what was drawn at its start, nor what other workers draw.
        seed = None if options.storage else options.seed + len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constraints_func=_limits)
    asked = _what_is_asked(options)
    before = study.user_attrs.get(_ASKED)
    if before is None:
        study.set_user_attr(_ASKED, asked)
        for choices in known(options)[: options.trials]:
            study.enqueue_trial(choices, skip_if_exists=True)
    elif differing := [name for name in asked if before.get(name) != asked[name]]:
        raise FedgeError(f"the study was started with other options: {', '.join(differing)} differs", _ANOTHER)
    return study


def over_limits(options: TuneOptions, size: int, ms: float | None, drop_pp: float | None) -> list[float]:
    """By which share each limit is exceeded: bytes, milliseconds, the gate; at most 0 where it is kept or not asked."""
    return [
        size / options.max_bytes - 1 if options.max_bytes else 0.0,
        ms / options.max_ms - 1 if options.max_ms and ms is not None else 0.0,
        drop_pp - options.max_drop_pp if options.max_drop_pp is not None and drop_pp is not None else 0.0,
    ]


def rows(study: optuna.Study) -> list[Row]:
    """All trials that have ended, in order."""
    return [_row(trial) for trial in study.get_trials(deepcopy=False) if trial.state in (*ENDED, TrialState.FAIL)]


def best_of(found: Sequence[Row]) -> Row | None:
    """The most accurate trial within all limits, of equals the smallest; None where there is none."""
    able = [row for row in found if row.feasible and row.accuracy is not None]
    return max(able, key=lambda row: (row.accuracy, -(row.bytes or 0)), default=None)


def pareto(found: Sequence[Row], cost: str) -> list[Row]:
    """The trials that no other is as accurate as at less `cost`, `bytes` or `ms`, the cheapest first."""
    measured = [row for row in found if row.accuracy is not None and getattr(row, cost) is not None]
    front: list[Row] = []
    for row in sorted(measured, key=lambda row: (getattr(row, cost), -(row.accuracy or 0))):
        if not front or (row.accuracy or 0) > (front[-1].accuracy or 0):
            front.append(row)
    return front


def _row(trial: FrozenTrial) -> Row:
    facts = trial.user_attrs
    limits = facts.get(LIMITS)
    complete = trial.state == TrialState.COMPLETE
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    return Row(
        trial.number,
        states.get(trial.state, "failed"),
        trial.value if complete else None,
        facts.get("bytes"),
        facts.get("ms"),
        facts.get("drop_upper95_pp"),
        complete and limits is not None and all(limit <= 0 for limit in limits),
        facts.get("architecture"),
        facts.get("size"),
        facts.get("method"),
        facts.get("run") if complete else None,
        facts.get("reason"),
    )


def _limits(trial: FrozenTrial) -> Sequence[float]:
    # A trial that was ended early has not shown that it would break any.
    return [float(limit) for limit in trial.user_attrs.get(LIMITS, (0.0, 0.0, 0.0))]


def _what_is_asked(options: TuneOptions) -> dict[str, Any]:
    return {
        "data": [Path(name).name for name in options.data],
        "max_bytes": options.max_bytes,
        "max_ms": options.max_ms,
        "max_drop": options.max_drop_pp,
        "arch": list(options.architectures),
        "size": list(sizes(options)),
        "method": list(options.methods),
        "teachers": len(options.teachers),
        "epochs": options.epochs,
    }


def _storage(options: TuneOptions) -> Any:
    text = options.storage or f"journal:{options.out / 'study.journal'}"
    if text.startswith("journal:"):
        path = Path(text.removeprefix("journal:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    if "://" not in text:
        raise FedgeError("--storage is neither a journal nor a database", "write journal:FILE, or a URL of SQLAlchemy")
    scheme = urlsplit(text).scheme
    try:
        return RDBStorage(text)
    except Exception as error:
        # The database's own message has the whole URL, and with it a password.
        raise FedgeError(
            f"the {scheme} database cannot be opened ({type(error).__name__})",
            "check its URL, and that its driver is installed",
        ) from None


def require_no_password(storage: str) -> None:
    """Raises FedgeError for a URL with a password: whoever lists processes would read it."""
    if "://" in storage and urlsplit(storage).password is not None:
        raise FedgeError("--storage has a password in it", f"put the URL into ${STORAGE_VARIABLE}")


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        # Optuna calls constraints and the multivariate sampler experimental.
        warnings.simplefilter("ignore")
        yield
