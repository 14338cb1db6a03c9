from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from support import fedge, one_line_error, write_class_folders

from fedge.data.dataset import Split
from fedge.errors import FedgeError
from fedge.model.confidence import softmax
from fedge_train.augmentation.outliers import draw_outliers
from fedge_train.networks.plans import PLANS, Plan
from fedge_train.networks.predict import predictor
from fedge_train.runs.run_folder import load_float_model, load_run_data, read_config
from fedge_train.training.batches import BatchLoader, make_loader, source_weights
from fedge_train.training.loop import answer_loss, validate

CLASSES = ["Bag", "Sneaker", "Trouser"]
PLAN = Plan(epochs=1)
NO_PIECES = np.empty((0, 28, 28, 1), np.uint8)


def split(labels: list[int], sources: list[int], classes: int = 3) -> Split:
    n = len(labels)
    truth = np.array(labels)
    images = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)
    return Split(
        images,
        truth,
        np.eye(classes, dtype=bool)[truth],
        np.array(sources),
        np.zeros(n, dtype=bool),
        ("",) * n,
        (b"",) * n,
    )


def test_a_weight_is_how_often_an_epoch_shows_a_picture() -> None:
    loader = BatchLoader(split([0] * 10 + [1] * 4, [0] * 10 + [1] * 4), PLAN, (0.5, 2.5))
    order = loader.order(np.random.default_rng(0))
    shown = np.bincount(order, minlength=14)
    assert len(loader) == len(order) == 5 + 10
    assert sorted(shown[:10]) == [0] * 5 + [1] * 5 and sorted(shown[10:]) == [2, 2, 3, 3]


def test_only_easy_pictures_are_left_out_and_the_rest_stand_for_them() -> None:
    loader = BatchLoader(split([0] * 100, [0] * 100), PLAN, (1.0,))
    generator = np.random.default_rng(0)
    losses = generator.permutation(100).astype(np.float32)
    order = loader.order(generator)
    shown = np.zeros(100)
    for _ in range(400):
        kept, counts = loader.without_easy(order, 0.4, losses, generator)
        assert len(kept) == 60 and counts.sum() == 100
        shown[kept] += counts
    assert np.all(shown[losses >= 80] == 400)
    # Each easy one is kept in half of the epochs and then counts twice: 400 within five standard deviations of 20.
    assert np.abs(shown[losses < 80] - 400).max() <= 100
    everything, counts = loader.without_easy(order, 0.0, losses, generator)
    assert np.array_equal(everything, order) and np.all(counts == 1)


def test_the_first_and_the_last_epochs_leave_nothing_out() -> None:
    loader = BatchLoader(split([0] * 100, [0] * 100), replace(PLAN, epochs=16, batch=10, skip=0.4), (1.0,))
    assert [loader.steps(epoch) for epoch in range(1, 17)] == [10] + [6] * 13 + [10] * 2
    assert loader.steps_until(16) == 108
    shown = [len(list(loader.batches(np.random.default_rng(0), epoch, np.zeros(100, np.float32)))) for epoch in (1, 2)]
    assert shown == [10, 6]
    with pytest.raises(ValueError, match="skip must be"):
        replace(PLAN, skip=0.6)


def test_a_small_share_of_outliers_is_one_of_a_small_batch() -> None:
    images = np.zeros((40, 8, 8, 1), np.uint8)
    pictures = replace(split([0] * 40, [0] * 40), images=images)
    loader = BatchLoader(pictures, replace(PLAN, batch=16, outliers=0.02), (1.0,))
    batch = next(loader.batches(np.random.default_rng(0), 1, np.zeros(40, np.float32)))
    assert batch.right.any(axis=1).tolist() == [True] * 15 + [False]


def test_weights_must_fit_the_sources() -> None:
    assert source_weights((), 2) == () and source_weights((1.0, 8.0), 2) == (1.0, 8.0)
    for wrong in ((1.0,), (1.0, 0.0), (1.0, -2.0), (1.0, np.nan), (1.0, np.inf)):
        with pytest.raises(FedgeError, match="does not fit 2 --data"):
            source_weights(wrong, 2)


def test_the_loss_is_cross_entropy_where_one_answer_is_right() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (5, 3)).astype(np.float32)
    labels = np.array([0, 1, 2, 1, 0])
    loss = answer_loss(logits, np.eye(3, dtype=bool)[labels], np.zeros((5, 3), np.float32))
    # Two orders of the same float32 sums of three terms: a few units in the last place.
    np.testing.assert_allclose(loss, tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), rtol=1e-5)
    smooth = np.full((5, 3), 0.1 / 3, np.float32)
    targets = 0.9 * np.eye(3, dtype=np.float32)[labels] + smooth
    expected = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    np.testing.assert_allclose(answer_loss(logits, np.eye(3, dtype=bool)[labels], smooth), expected, rtol=1e-5)


def test_any_right_answer_will_do() -> None:
    logits = np.array([[9.0, -9.0, -9.0], [-9.0, 9.0, -9.0], [-9.0, -9.0, 9.0]], np.float32)
    either = np.tile([True, True, False], (3, 1))
    loss = np.asarray(answer_loss(logits, either, np.zeros((3, 3), np.float32)))
    assert loss[0] == pytest.approx(0, abs=1e-5) and loss[1] == pytest.approx(0, abs=1e-5) and loss[2] > 10


def test_nothing_known_asks_for_low_logits_and_something_known_for_a_high_one() -> None:
    logits = np.array([[9, 0, 0], [0, 0, 0], [-9, -9, -9]], np.float32)
    none = np.zeros((3, 3), np.float32)
    sure, unsure, nothing = np.asarray(answer_loss(logits, np.zeros((3, 3), bool), none, open_set=True))
    assert sure > 8 and unsure == pytest.approx(np.log(4)) and nothing < 1e-3
    known = np.asarray(answer_loss(logits, np.tile([True, False, False], (3, 1)), none, open_set=True))
    assert known[0] < 1e-3 and known[1] == pytest.approx(np.log(4)) and known[2] == pytest.approx(9, abs=1e-3)


def test_each_source_counts_alike_when_the_best_epoch_is_chosen() -> None:
    # Nine pictures of the first source are right and the one of the second is wrong: 90% of pictures, half of sources.
    held_out = split([0] * 10, [0] * 9 + [1])
    answers = np.tile(np.array([5.0, 0, 0], np.float32), (10, 1))
    answers[9] = [0, 5.0, 0]
    assert validate(lambda images: answers, held_out)[1] == 0.5


def test_a_teacher_leaves_its_share_of_the_target() -> None:
    taught = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]], np.float32)
    plan = replace(PLAN, taught=0.6, label_smoothing=0.3)
    pictures = split([0, 1], [0, 1])
    loader = BatchLoader(pictures, plan, (1.0, 1.0), lambda chosen, shown: taught[chosen])
    soft = loader.soft(np.array([0, 1]), pictures.images)
    np.testing.assert_allclose(soft, [[0.4, 0.4, 0.1], [0.1, 0.1, 0.1]], rtol=1e-6)


def test_outliers_are_pictures_of_their_own() -> None:
    blocks = np.random.default_rng(1).integers(1, 256, (4, 7, 7, 1), dtype=np.uint8)
    known = blocks.repeat(4, axis=1).repeat(4, axis=2)
    drawn = draw_outliers(200, known, NO_PIECES, np.random.default_rng(0))
    assert drawn.shape == (200, 28, 28, 1) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, draw_outliers(200, known, NO_PIECES, np.random.default_rng(0)))
    # Four pictures have but a few orders of four tiles each.
    assert len({picture.tobytes() for picture in drawn}) > 180
    # Of 200, some fill the picture and some are thin strokes on black.
    lit = (drawn > 8).mean(axis=(1, 2, 3))
    assert lit.max() > 0.9 and lit.min() < 0.2
    # A known picture is never among them, whole, even where all that is drawn comes from one.
    off = np.abs(drawn[:, None].astype(int) - known).mean(axis=(2, 3, 4))
    assert off.min() > 10
    for shape in ((20, 30, 3), (8, 8, 1)):
        gray = np.full((1, *shape), 200, np.uint8)
        assert draw_outliers(30, gray, gray[:0], np.random.default_rng(0)).shape == (30, *shape)
        assert draw_outliers(30, gray, gray, np.random.default_rng(0)).shape == (30, *shape)


def test_some_outliers_are_pieces_of_photographs() -> None:
    piece = np.arange(28 * 28, dtype=np.uint16).reshape(1, 28, 28, 1).astype(np.uint8)
    drawn = draw_outliers(300, np.zeros_like(piece), piece, np.random.default_rng(0))
    levels = np.sort(piece.ravel())
    same = [picture for picture in drawn if np.array_equal(np.sort(picture.ravel()), levels)]
    # Three tenths of 300 are 90, and four standard deviations of 7.9 more are 122; the seed is fixed. All eight ways.
    assert 86 <= len(same) <= 122
    assert len({picture.tobytes() for picture in same}) == 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("data"), CLASSES, 60)


@pytest.fixture(scope="module")
def first(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "first"
    done = fedge("train", "--data", folder, "--size", 16, "--gray", "--arch", "nano", "--epochs", 3, "--out", run)
    assert done.code == 0, done.err
    return run


def test_a_run_goes_on_from_another_with_teacher_weights_and_outliers(
    folder: Path, first: Path, tmp_path: Path
) -> None:
    more = write_class_folders(tmp_path / "more", CLASSES, 20, start=100)
    label_map = tmp_path / "map.json"
    label_map.write_text('{"Bag": ["Bag", "Sneaker"]}')
    data = ("--data", folder, "--data", more, "--weight", 0.5, "--weight", 3, "--map", label_map, "--test-share", 0.1)
    run = tmp_path / "second"
    arguments = (*data, "--size", 16, "--gray", "--arch", "nano", "--from", first, "--teacher", first)
    done = fedge("train", *arguments, "--outliers", 0.2, "--epochs", 1, "--out", run, "--json")
    assert done.code == 0, done.err
    # One epoch from random weights is near chance, a third; three more before it are not.
    assert done.json()["accuracy"] > 0.6
    # 180 and 60 less a tenth each for test and held out leave 146 and 49: half of the first, thrice the second.
    assert "on 220 pictures an epoch" in done.err
    (run / "report.json").unlink()
    refused = fedge("train", "--resume", "--out", run, "--weight", 1, "--weight", 3)
    assert refused.code == 1 and "other settings (weights)" in one_line_error(refused)
    for consistent in (False, True):
        answers_are_the_mean_of_those_who_know(first, run, consistent)


def answers_are_the_mean_of_those_who_know(first: Path, second: Path, consistent: bool) -> None:
    """`first` learned from the first source alone, `second` from both."""
    config = read_config(second)
    dataset = load_run_data(second, config)
    images = dataset.train.images[:]
    upside_down = images[:, ::-1]

    def taught(*teachers: Path) -> np.ndarray:
        plan = replace(config.plan, consistent=consistent)
        asked = replace(config, plan=plan, teachers=tuple(map(str, teachers)))
        teaching = make_loader(asked, dataset).teacher_answers
        assert teaching is not None
        return teaching(np.arange(len(images)), upside_down)

    def alone(run: Path) -> np.ndarray:
        answer = predictor(load_float_model(run, read_config(run)))
        logits = answer(upside_down) if consistent else (answer(images) + answer(images[:, :, ::-1])) / 2
        return softmax(logits.astype(np.float64))

    known = dataset.train.sources == 0
    assert known.any() and not known.all()
    one, both = taught(first), taught(first, second)
    np.testing.assert_allclose(one[known], alone(first)[known], atol=1e-5)
    assert not one[~known].any()
    np.testing.assert_allclose(both[known], (alone(first) + alone(second))[known] / 2, atol=1e-5)
    np.testing.assert_allclose(both[~known], alone(second)[~known], atol=1e-5)


def test_teachers_are_not_asked_of_pictures_that_only_look_photographed(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("--data", folder, "--size", 16, "--gray", "--subject", "cut-out", "--camera-like", "--arch", "base")
    done = fedge("train", *arguments, "--epochs", 1, "--out", run)
    assert done.code == 0, done.err
    plan = read_config(run).plan
    assert PLANS["base"].consistent and plan.camera and not plan.consistent and not plan.erase


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arch", "small", "--from", "RUN"), "is a nano"),
        (("--color", "--from", "RUN"), "do not fit pictures of this size or colours"),
        (("--size", "20", "--teacher", "RUN"), "other classes or pictures of another size"),
        (("--teacher", "nowhere"), "/nowhere; give a run, a model file, or one of the shipped"),
        (("--subject", "cut-out", "--teacher", "RUN"), "as another preprocessing makes them"),
        (("--weight", "1", "--weight", "2"), "does not fit 1 --data"),
        (("--weight", "0.001"), "shows none of the 130 pictures of"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path, first: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [str(first) if argument == "RUN" else argument for argument in arguments]
    size = () if "--size" in given else ("--size", "16")
    done = fedge("train", "--data", folder, *size, "--gray", *given, "--epochs", 1, "--out", tmp_path / "run")
    assert done.code == 1 and message in done.err.strip().splitlines()[-1], done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--weight", "--learning-rate"])
def test_what_is_no_number_is_a_usage_error(option: str, folder: Path, tmp_path: Path) -> None:
    done = fedge("train", "--data", folder, option, "nan", "--out", tmp_path / "run")
    assert done.code == 2 and option in one_line_error(done)
    assert not (tmp_path / "run").exists()
