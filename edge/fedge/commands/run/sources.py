"""Opening what is asked for as a source, and the empty scene before it."""

from functools import partial
from pathlib import Path

from fedge.errors import SourceError
from fedge.images.background import Background, load_background, require_writable, save_background
from fedge.images.preprocess import Recipe
from fedge.model.classifier import Classifier
from fedge.options import NamedCamera, RunOptions
from fedge.runner.health import Health
from fedge.sources.base import Monitor, Source
from fedge.sources.factory import open_asked
from fedge.sources.learn_background import BackgroundLearner

LEARN = "learn"


def open_source(options: RunOptions, classifier: Classifier, health: Health) -> Source:
    """The source asked for; gray and reduced to what the network needs where nobody else wants its pictures."""
    # People who look or label want colour and size; the network alone needs neither.
    looked_at = any(output.shows_pictures for output in options.outputs)
    # A picture that is reduced for the whole of it would leave too little for its parts.
    recipe = None if looked_at or options.regions else classifier.model.manifest.preprocessing
    return open_played(options, recipe, health)


def open_played(options: RunOptions | NamedCamera, recipe: Recipe | None, monitor: Monitor) -> Source:
    """The source asked for, played as asked; raises SourceError."""
    opened = partial(open_asked, options.source, options.device, options.camera, recipe, monitor, options.limits)
    playback = options.playback
    if not (playback.loop or playback.realtime):
        return opened()
    from fedge.sources.playback import Playback

    return Playback(opened, playback.loop, playback.realtime)


def require_background_fits(background: str | None, recipe: Recipe) -> None:
    """Raises SourceError for a background that a model is given which cuts nothing out."""
    if background is not None and recipe.cut_out is None:
        raise SourceError(
            "this model does not cut objects out", "leave --background out, or train with --subject cut-out"
        )


def with_background(text: str, classifier: Classifier, source: Source) -> Source:
    """The source, with the empty scene loaded, or learned from its first frames and kept where a file was named."""
    require_background_fits(text, classifier.model.manifest.preprocessing)
    path = None if text == LEARN else Path(text)
    classifier.background = None if path is None else load_background(path)
    if classifier.background is not None:
        return source

    def learned(background: Background) -> None:
        classifier.background = background
        if path is not None:
            save_background(background, path)

    learning = BackgroundLearner(source, learned)
    if path is not None:
        # Who has cleared the scene should not hear only then that it cannot be kept.
        require_writable(path)
    return learning
