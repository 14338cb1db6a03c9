"""Writes flatbuffers, also in front of an old one whose tables the new ones point to.

A flatbuffer's tables point forwards only. So new tables that stand before the whole of an old flatbuffer may use any of
its tables, and none of its bytes has to be touched or understood.
Source: the FlatBuffers project's "Internals" page.
"""

import struct
from dataclasses import dataclass

# What the largest vectors are aligned to; the old flatbuffer begins at a multiple of it, so that its own stay aligned.
ALIGNMENT = 16


@dataclass(frozen=True)
class Number:
    """A number within a table; `kind` as in `struct`, one or four bytes."""

    kind: str
    value: int | float


@dataclass(frozen=True)
class Vector:
    """A vector of `count` scalars, whose data begins at a multiple of `align` bytes; a string is a vector of bytes."""

    data: bytes
    count: int
    align: int = 4

    @classmethod
    def of(cls, kind: str, values: tuple[int, ...] | tuple[float, ...]) -> "Vector":
        """The vector of numbers of a `struct` kind."""
        return cls(struct.pack(f"<{len(values)}{kind}", *values), len(values), max(4, struct.calcsize(kind)))

    @classmethod
    def of_text(cls, text: str) -> "Vector":
        """A string: UTF-8, and the zero byte that must follow it, which is not counted."""
        return cls(text.encode() + b"\0", len(text.encode()))


@dataclass(frozen=True)
class Old:
    """A table of the old flatbuffer, by its offset in that."""

    at: int


@dataclass(frozen=True)
class Table:
    """A table: what is in each of its fields, by the field's number."""

    fields: "dict[int, Number | Vector | Table | Tables]"


@dataclass(frozen=True)
class Tables:
    """A vector of tables, new and old."""

    items: tuple[Table | Old, ...]


_Node = Vector | Table | Tables | Old


def serialize(root: Table, identifier: bytes, old: bytes = b"") -> bytes:
    """The flatbuffer of a root table and all that it points to, in front of an old flatbuffer."""
    out = bytearray(4) + identifier
    open_slots: list[tuple[int, _Node]] = [(0, root)]
    into_old: list[tuple[int, int]] = []
    while open_slots:
        slot, node = open_slots.pop(0)
        if isinstance(node, Old):
            into_old.append((slot, node.at))
            continue
        at, found = _write(out, node)
        struct.pack_into("<I", out, slot, at - slot)
        open_slots += found
    _pad(out, ALIGNMENT)
    for slot, at in into_old:
        struct.pack_into("<I", out, slot, len(out) + at - slot)
    return bytes(out) + old


def _write(out: bytearray, node: Vector | Table | Tables) -> tuple[int, list[tuple[int, _Node]]]:
    """Writes a node; gives where it lies, and the slots in it that have to point to others."""
    if isinstance(node, Table):
        return _write_table(out, node)
    align = node.align if isinstance(node, Vector) else 4
    out += bytes(-(len(out) + 4) % align)
    at = len(out)
    if isinstance(node, Vector):
        out += struct.pack("<I", node.count) + node.data
        _pad(out, 4)
        return at, []
    out += struct.pack("<I", len(node.items)) + bytes(4 * len(node.items))
    return at, [(at + 4 + 4 * i, item) for i, item in enumerate(node.items)]


def _write_table(out: bytearray, table: Table) -> tuple[int, list[tuple[int, _Node]]]:
    # A table begins with the offset of its vtable; then come its fields of four bytes, then those of one: all aligned.
    small = [i for i, value in table.fields.items() if isinstance(value, Number) and struct.calcsize(value.kind) == 1]
    order = [i for i in table.fields if i not in small] + small
    places = [4 + 4 * min(i, len(order) - len(small)) + max(0, i - len(order) + len(small)) for i in range(len(order))]
    size = places[-1] + (1 if small else 4) if places else 4
    count = max(table.fields, default=-1) + 1
    offsets = [0] * count
    for index, place in zip(order, places, strict=True):
        offsets[index] = place
    where = len(out)
    out += struct.pack(f"<HH{count}H", 4 + 2 * count, size, *offsets)
    _pad(out, 4)
    at = len(out)
    out += struct.pack("<i", at - where) + bytes(size - 4)
    found: list[tuple[int, _Node]] = []
    for index, place in zip(order, places, strict=True):
        value = table.fields[index]
        if isinstance(value, Number):
            struct.pack_into(f"<{value.kind}", out, at + place, value.value)
        else:
            found.append((at + place, value))
    _pad(out, 4)
    return at, found


def _pad(out: bytearray, align: int) -> None:
    out += bytes(-len(out) % align)
