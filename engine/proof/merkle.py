"""Merkle trees as RFC 6962 and RFC 9162 hash them: roots, growth along the right edge, proofs and their verification.

A tree over n leaves splits at the largest power of two below n. A *complete subtree* is named (level, index): it has
2^level leaves, the first of which is leaf index × 2^level. Complete subtrees never change as a tree grows, so they are
all that has to be stored; every other hash is folded from at most log2 n of them.

Leaves are numbered from 0. Hashes are bytes of the digest's length. Nothing here trusts the shape of a proof: the
verifiers work out from the sizes alone how many hashes there have to be, and in which order they are folded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

MAX_SIZE = 2**53 - 1
"""Leaves of the largest tree: the greatest integer that RFC 8785 knows."""
CHUNK_LEVEL = 12
"""Leaves are hashed 2^12 at a time when a whole tree is; a few hundred kilobytes."""


class Hashing:
    """How leaves and nodes are hashed: prefixed with 0x00 and 0x01, so that neither can pass for the other."""

    def __init__(self, name: str) -> None:
        """Take a hash function by its name, `sha256` or `sm3`.

        Raises:
            ValueError: this machine's OpenSSL does not have it.

        """
        self.name = name
        self.new: Callable[[bytes], Any] = hashlib.sha256 if name == "sha256" else lambda data: hashlib.new(name, data)
        self.empty: bytes = self.new(b"").digest()
        self.length = len(self.empty)
        # begun with the prefix: where many are hashed, a copy costs less than a prefix before each
        self._leaf, self._node = self.new(b"\0"), self.new(b"\1")

    def leaf(self, data: bytes) -> bytes:
        """The hash of a leaf."""
        digest: bytes = self.new(b"\0" + data).digest()
        return digest

    def leaves(self, data: Iterable[bytes]) -> list[bytes]:
        """The hashes of leaves."""
        begin, found = self._leaf.copy, []
        for leaf in data:
            hash_ = begin()
            hash_.update(leaf)
            found.append(hash_.digest())
        return found

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash of two subtrees side by side."""
        digest: bytes = self.new(b"\1" + left + right).digest()
        return digest

    def level(self, hashes: Sequence[bytes]) -> list[bytes]:
        """The hashes one level up, of an even number of them."""
        begin, found = self._node.copy, []
        pairs = iter(hashes)
        for left, right in zip(pairs, pairs, strict=True):
            hash_ = begin()
            hash_.update(left)
            hash_.update(right)
            found.append(hash_.digest())
        return found


SHA256 = Hashing("sha256")


Place = tuple[int, int]
"""A complete subtree: level and index."""
Node = tuple[int, int, bytes]
"""A complete subtree and its hash."""
Read = Callable[[Sequence[Place]], Mapping[Place, bytes]]
"""Fetches hashes of complete subtrees, all of them at once."""


# Growing


@dataclass(frozen=True, slots=True)
class Edge:
    """All that is needed of a tree to let it grow: the roots of its largest complete subtrees, from left to right."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self, hashing: Hashing = SHA256) -> bytes:
        """The root of the tree."""
        return folded(self.peaks, hashing) if self.peaks else hashing.empty

    def grown(self, leaves: Iterable[bytes], hashing: Hashing = SHA256) -> tuple[Edge, list[Node]]:
        """The tree with more leaf hashes, and the complete subtrees of two leaves and more that this made."""
        size, peaks = self.size, list(self.peaks)
        made: list[Node] = []
        for leaf in leaves:
            level, index, digest = 0, size, leaf
            while index & 1:
                digest = hashing.node(peaks.pop(), digest)
                level, index = level + 1, index >> 1
                made.append((level, index, digest))
            peaks.append(digest)
            size += 1
        return Edge(size, tuple(peaks)), made


def folded(hashes: Sequence[bytes], hashing: Hashing = SHA256) -> bytes:
    """The hash of complete subtrees that follow one another, largest first."""
    *rest, digest = hashes
    for hash_ in reversed(rest):
        digest = hashing.node(hash_, digest)
    return digest


def root_of(data: Iterable[bytes], hashing: Hashing = SHA256) -> tuple[int, bytes]:
    """Number of leaves and root of the tree over whole leaves, in little memory: the quick way to check a whole log."""
    return root_over(map(hashing.leaves, chunks(data)), hashing)


def root_over(leaves: Iterable[list[bytes]], hashing: Hashing = SHA256) -> tuple[int, bytes]:
    """The same over leaf hashes in lists of 2^`CHUNK_LEVEL`, which are used up; only the last one may be shorter."""
    whole, size = Edge(), 0
    last: tuple[bytes, ...] = ()
    for chunk in leaves:
        size += len(chunk)
        last = _peaks(chunk, hashing)
        if not size & ((1 << CHUNK_LEVEL) - 1):
            whole, _ = whole.grown(last, hashing)
            last = ()
    return size, Edge(size, (*whole.peaks, *last)).root(hashing)


def chunks(items: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lists of 2^`CHUNK_LEVEL`, the last one of what is left."""
    iterator = iter(items)
    while chunk := list(islice(iterator, 1 << CHUNK_LEVEL)):
        yield chunk


def _peaks(hashes: list[bytes], hashing: Hashing) -> tuple[bytes, ...]:
    """The peaks over leaf hashes, a level at a time: one by one Python would be as long between hashes as on them."""
    found = []
    while hashes:
        if len(hashes) & 1:
            found.append(hashes.pop())
        hashes = hashing.level(hashes)
    return tuple(reversed(found))


# Proving


def subtrees(begin: int, end: int) -> tuple[Place, ...]:
    """The complete subtrees that leaves `begin` to before `end` consist of, largest first.

    `begin` must be a multiple of the first one's size, as it is for every range that a proof names.
    """
    found: list[Place] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return tuple(found)


def inclusion_ranges(number: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes lead from a leaf to the root, from the bottom up (RFC 9162, 2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.

    """
    if not 0 <= number < size:
        message = f"no leaf {number} among {size}"
        raise ValueError(message)
    begin, end = 0, size
    found: list[tuple[int, int]] = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if number < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """The ranges whose hashes show that the tree of `second` leaves begins with that of `first` (RFC 9162, 2.1.4.1).

    Raises:
        ValueError: the sizes are not in this order.

    """
    if not 0 <= first <= second:
        message = f"no proof from {first} to {second}"
        raise ValueError(message)
    if first in {0, second}:
        return []
    begin, end, whole = 0, second, True
    found: list[tuple[int, int]] = []
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin, whole = middle, False
    if not whole:  # else it is the old tree itself, whose root the verifier has
        found.append((begin, end))
    return found[::-1]


def prove(ranges: Sequence[tuple[int, int]], read: Read, hashing: Hashing = SHA256) -> tuple[bytes, ...]:
    """The hashes of ranges, from complete subtrees that are read all at once, at most 2 × log2 n of them."""
    parts = [subtrees(begin, end) for begin, end in ranges]
    found = read([place for places in parts for place in places])
    return tuple(folded([found[place] for place in places], hashing) for places in parts)


def _split(size: int) -> int:
    """The largest power of two below a size of two and more."""
    return 1 << (size - 1).bit_length() - 1


# Verifying


def includes(
    root: bytes, size: int, number: int, leaf: bytes, path: Sequence[bytes], hashing: Hashing = SHA256
) -> bool:
    """Whether the tree with this root and size has this leaf hash as its leaf `number`."""
    if not (_is_size(size) and _is_size(number) and number < size and _are_hashes((root, leaf, *path), hashing)):
        return False
    # Up to where the paths of this leaf and of the last one meet, each level has a neighbour; above, only on the left.
    below = (number ^ (size - 1)).bit_length()
    if len(path) != below + (number >> below).bit_count():
        return False
    digest = leaf
    for level, hash_ in enumerate(path):
        right = level >= below or number >> level & 1
        digest = hashing.node(hash_, digest) if right else hashing.node(digest, hash_)
    return digest == root


def extends(
    first_root: bytes,
    first: int,
    second_root: bytes,
    second: int,
    path: Sequence[bytes],
    hashing: Hashing = SHA256,
) -> bool:
    """Whether the tree of `second` leaves begins with the tree of `first` leaves: nothing changed, only added."""
    if not (_is_size(first) and _is_size(second) and first <= second):
        return False
    if not _are_hashes((first_root, second_root, *path), hashing):
        return False
    if first == second:
        return not path and first_root == second_root and (first > 0 or first_root == hashing.empty)
    if first == 0:  # anything extends nothing
        return not path and first_root == hashing.empty
    # The proof begins at the old tree's last complete subtree, which is left out when it is the whole old tree.
    level = (first & -first).bit_length() - 1
    hashes = (first_root, *path) if first == 1 << level else tuple(path)
    if not hashes:
        return False
    return _rebuilt(first >> level, (second - 1) >> level, hashes[0], hashes[1:], hashing) == (first_root, second_root)


def _rebuilt(count: int, last: int, seed: bytes, path: Sequence[bytes], hashing: Hashing) -> tuple[bytes, bytes] | None:
    """Old and new root, folded from the old tree's last complete subtree; None if the proof has another length.

    On that subtree's level the old tree ends with number `count` - 1, the new one with number `last`.
    """
    number = count - 1
    below = (number ^ last).bit_length()
    if len(path) != below + (number >> below).bit_count():
        return None
    old = new = seed
    for level, hash_ in enumerate(path):
        if level >= below or number >> level & 1:
            old, new = hashing.node(hash_, old), hashing.node(hash_, new)
        else:
            new = hashing.node(new, hash_)
    return old, new


def _is_size(value: object) -> bool:
    """Whether a number from outside is one at all: no truth value, not below zero, not beyond all trees."""
    return type(value) is int and 0 <= value <= MAX_SIZE


def _are_hashes(values: Iterable[object], hashing: Hashing) -> bool:
    return all(isinstance(value, bytes) and len(value) == hashing.length for value in values)
