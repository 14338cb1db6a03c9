"""Hostile flatbuffers."""

import flatbuffers
import numpy as np
import pytest

from fedge.model.format.flatbuffer import FlatbufferError, read_graph


def many_of_the_same(tensors: int, scales: int) -> bytes:
    """A flatbuffer of so many tensors, which all are one and the same, with so many scales."""
    builder = flatbuffers.Builder()
    numbers = builder.CreateNumpyVector(np.ones(scales, np.float32))
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(2, numbers, 0)
    quantization = builder.EndObject()
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(4, quantization, 0)
    tensor = builder.EndObject()
    builder.StartVector(4, tensors, 4)
    for _ in range(tensors):
        builder.PrependUOffsetTRelative(tensor)
    all_tensors = builder.EndVector()
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, all_tensors, 0)
    graph = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def test_a_small_flatbuffer_cannot_claim_tensors_without_end() -> None:
    assert len(read_graph(many_of_the_same(4, 100_000)).tensors) == 4
    with pytest.raises(FlatbufferError, match="more than 1000000 items"):
        read_graph(many_of_the_same(40, 100_000))
