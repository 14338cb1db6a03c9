"""Decoding picture files: their pixels, preprocessed, and what else is to be known of each."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fedge.data.decoded.array import Images
from fedge.errors import DataError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, prepare
from fedge.system.progress import Progress

# A picture, and what is doubtful about it.
WithNotes = tuple[Picture, tuple[str, ...]]
Reader = Callable[[], WithNotes]


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a picture besides its preprocessed pixels.

    Attributes:
        digest: SHA-256 of the raw picture's shape and pixels; none where it could not be read.
        empty: whether the cut-out found no object.
        notes: what is doubtful about it.
        problem: why it could not be read; None where it could.
    """

    digest: bytes = b""
    empty: bool = False
    notes: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Decoded:
    """Pictures that were decoded.

    Attributes:
        images: uint8, [n, height, width, channels]: those that could be read.
        facts: of each picture that was asked for.
    """

    images: Images
    facts: tuple[PictureFacts, ...]


def digest_picture(picture: Picture) -> bytes:
    """SHA-256 of a picture's shape and pixels."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).digest()


def decode_each(readers: Sequence[Reader], recipe: Recipe, keep: Callable[[Picture], object]) -> list[PictureFacts]:
    """Reads and preprocesses pictures one after the other; `keep` is given each that could be read."""
    facts = []
    with Progress("reading pictures", len(readers)) as progress:
        for read in readers:
            progress.advance(1)
            try:
                picture, notes = read()
            except DataError as error:
                facts.append(PictureFacts(problem=error.what))
                continue
            prepared = prepare(recipe, picture)
            keep(prepared.image)
            facts.append(PictureFacts(digest_picture(picture), prepared.empty, notes))
    return facts


def decode_into_memory(readers: Sequence[Reader], recipe: Recipe) -> Decoded:
    """Reads and preprocesses pictures, and keeps all of them in memory."""
    images = np.empty((len(readers), *recipe.shape), dtype=np.uint8)
    kept = 0

    def keep(image: Picture) -> None:
        nonlocal kept
        images[kept] = image
        kept += 1

    facts = decode_each(readers, recipe, keep)
    return Decoded(images[:kept], tuple(facts))
