"""Distillation: the teachers' answers to the training pictures."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Split
from fedge.data.fashion_mnist import NAME
from fedge.errors import RunError
from fedge.model.confidence import softmax
from fedge_train.networks.predict import Predictor, in_batches
from fedge_train.runs.pretrained import Pretrained, pretrained
from fedge_train.runs.run_folder import RunConfig

Images = NDArray[np.uint8]
Probabilities = NDArray[np.float32]
Answer = Callable[[Images], NDArray[np.float32]]

# A function of pictures' places in the split, int64 [m], and of those pictures as augmented, uint8 [m, height, width,
# channels]. It gives float32 [m, classes]: probabilities, or zeros where no teacher learned from the picture's source.
TeacherAnswers = Callable[[NDArray[np.int64], Images], Probabilities]


def teacher_answers_of(config: RunConfig, split: Split) -> TeacherAnswers | None:
    """What a run's teachers answer: the mean of those who learned from a picture's source; None without a teacher.

    They answer to the augmented pictures if the plan is `consistent`; else once, to the plain ones.

    Raises RunError where a teacher has other classes or pictures.
    """
    teachers = [pretrained(name) for name in config.teachers]
    for teacher in teachers:
        _require_same_pictures(teacher, config)
    if not teachers:
        return None
    classes = len(config.labels)
    knowing = np.array([[teacher.knows(data) for data in config.data] for teacher in teachers])
    predictors = [teacher.predictor() for teacher in teachers]
    if config.plan.consistent:
        return lambda chosen, shown: _mean_answer(predictors, shown, knowing[:, split.sources[chosen]], classes)
    mirrored = [_with_mirror(each) for each in predictors]
    plain = np.empty((len(split), classes), dtype=np.float32)
    for place, pictures in in_batches(split.images):
        plain[place] = _mean_answer(mirrored, pictures, knowing[:, split.sources[place]], classes)
    return lambda chosen, shown: plain[chosen]


def _require_same_pictures(teacher: Pretrained, config: RunConfig) -> None:
    if teacher.labels != config.labels or teacher.recipe.shape != config.recipe.shape:
        raise RunError(
            f"the teacher {teacher.name} was trained on other classes or pictures of another size",
            "give one with the same classes, size and colours",
        )
    # Packaged pictures are cut out already; only others look different to a network that cuts them out.
    if teacher.recipe != config.recipe and any(teacher.knows(data) for data in config.data if data != NAME):
        raise RunError(
            f"the teacher {teacher.name} knows these pictures as another preprocessing makes them",
            "give one that was trained with the same --subject, --fit and so on",
        )


def _mean_answer(
    predictors: Sequence[Answer], images: Images, knowing: NDArray[np.bool_], classes: int
) -> Probabilities:
    """`knowing`, [predictors, n], says whose answers count for which picture."""
    answers = np.zeros((len(images), classes), dtype=np.float32)
    for predict, knows in zip(predictors, knowing, strict=True):
        if knows.any():
            answers[knows] += softmax(predict(images[knows]).astype(np.float64))
    return answers / np.maximum(1, knowing.sum(axis=0))[:, np.newaxis].astype(np.float32)


def _with_mirror(predict: Predictor) -> Answer:
    """The mean logits of a picture and its mirror."""
    return lambda images: (predict(images) + predict(images[:, :, ::-1])) * np.float32(0.5)
