"""Trees and proofs against the definitions of RFC 6962, written out as they stand there, and against forgeries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proof import merkle
from engine.proof.merkle import (
    MAX_SIZE,
    SHA256,
    Edge,
    Hashing,
    Place,
    consistency_ranges,
    extends,
    includes,
    inclusion_ranges,
    prove,
    root_of,
    subtrees,
)

MOST = 70
DATA = tuple(bytes([n]) * (n % 5) for n in range(MOST))
VECTORS = (  # the leaves and roots with which certificate-transparency tests its trees
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
)


@cache
def root(begin: int, end: int, name: str = "sha256") -> bytes:
    """MTH of a range of the leaves (RFC 6962, 2.1)."""
    if begin == end:
        return hashlib.new(name, b"").digest()
    if end - begin == 1:
        return hashlib.new(name, b"\0" + DATA[begin]).digest()
    middle = begin + half(end - begin)
    return hashlib.new(name, b"\1" + root(begin, middle, name) + root(middle, end, name)).digest()


def half(size: int) -> int:
    """The largest power of two below a size."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def path(m: int, begin: int, end: int) -> list[bytes]:
    """PATH (RFC 6962, 2.1.1)."""
    if end - begin == 1:
        return []
    middle = begin + half(end - begin)
    if m < middle:
        return [*path(m, begin, middle), root(middle, end)]
    return [*path(m, middle, end), root(begin, middle)]


def proof(m: int, begin: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF (RFC 6962, 2.1.2)."""
    if m == end:
        return [] if whole else [root(begin, end)]
    middle = begin + half(end - begin)
    if m <= middle:
        return [*proof(m, begin, middle, whole), root(middle, end)]
    return [*proof(m, middle, end, False), root(begin, middle)]


@cache
def grown() -> dict[Place, bytes]:
    """Every complete subtree, as it came about when the leaves were added one by one."""
    leaves = [SHA256.leaf(data) for data in DATA]
    _, made = Edge().grown(leaves)
    return {(0, n): leaf for n, leaf in enumerate(leaves)} | {(level, index): hash_ for level, index, hash_ in made}


def read(places: Sequence[Place]) -> dict[Place, bytes]:
    """What is stored."""
    return {place: grown()[place] for place in places}


def test_known_trees() -> None:
    """The roots that others have, for each size."""
    leaves = [bytes.fromhex(data) for data, _ in VECTORS]
    edge, roots = Edge(), []
    for leaf in leaves:
        edge, _ = edge.grown([SHA256.leaf(leaf)])
        roots.append(edge.root().hex())

    assert [wanted for _, wanted in VECTORS] == roots
    assert hashlib.sha256(b"").digest() == Edge().root()


def test_sm3() -> None:
    """The standard's own example, and the same trees with it."""
    sm3 = Hashing("sm3")
    edge, _ = Edge().grown([sm3.leaf(data) for data in DATA], sm3)

    assert sm3.new(b"abc").hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert root(0, MOST, "sm3") == edge.root(sm3) == root_of(DATA, sm3)[1]
    with pytest.raises(ValueError, match="unsupported"):
        Hashing("sm4")


def test_every_tree_grows_to_what_its_definition_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """One leaf at a time, all at once, and in chunks; what is stored are the roots of complete subtrees."""
    edge = Edge()
    for size in range(MOST + 1):
        assert root(0, size) == edge.root()
        if size < MOST:
            edge, _ = edge.grown([SHA256.leaf(DATA[size])])
    for level in (1, 3, 12):
        monkeypatch.setattr(merkle, "CHUNK_LEVEL", level)
        for size in range(MOST + 1):
            assert (size, root(0, size)) == root_of(DATA[:size])
    for (level, index), hash_ in grown().items():
        assert root(index << level, (index + 1) << level) == hash_
    # n leaves have n - 1 nodes above them, of which those on the right edge are no complete subtrees
    assert len(grown()) == 2 * MOST - MOST.bit_count()


def test_every_inclusion_is_proved_as_defined() -> None:
    """All leaves of all trees: the hashes of the definition, and they are accepted; few rows are read."""
    for size in range(1, MOST + 1):
        for number in range(size):
            ranges = inclusion_ranges(number, size)
            found = prove(ranges, read)

            assert path(number, 0, size) == list(found)
            assert includes(root(0, size), size, number, grown()[0, number], found)
            assert sum(len(subtrees(*r)) for r in ranges) <= 2 * size.bit_length()


def test_every_extension_is_proved_as_defined() -> None:
    """All pairs of trees, the empty one included."""
    for second in range(MOST + 1):
        for first in range(second + 1):
            found = prove(consistency_ranges(first, second), read)

            assert (proof(first, 0, second, True) if first else []) == list(found)
            assert extends(root(0, first), first, root(0, second), second, found)


def test_what_cannot_be_proved_is_refused() -> None:
    """No leaf there, no tree there."""
    for number, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_ranges(number, size)
    for first, second in ((6, 5), (-1, 5)):
        with pytest.raises(ValueError, match="no proof"):
            consistency_ranges(first, second)


HASH = st.binary(min_size=32, max_size=32) | st.sampled_from([grown()[0, n] for n in range(8)])


@st.composite
def damaged(draw: st.DrawFn, whole: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """A proof that is not this one: hashes changed, dropped, doubled, swapped, put in, cut or lengthened."""
    hashes = list(whole)
    place = draw(st.integers(0, len(hashes)))
    match draw(st.sampled_from(["insert", "drop", "change", "swap", "shorten", "lengthen", "other"])):
        case "drop" if hashes:
            hashes.pop(place % len(hashes))
        case "change" if hashes:
            hashes[place % len(hashes)] = draw(HASH)
        case "swap" if len(hashes) > 1:
            hashes[0], hashes[place % len(hashes)] = hashes[place % len(hashes)], hashes[0]
        case "shorten" if hashes:
            hashes[-1] = hashes[-1][:-1]
        case "lengthen" if hashes:
            hashes[0] += b"\0"
        case "other":
            hashes = draw(st.lists(HASH, max_size=9))
        case _:
            hashes.insert(place, draw(HASH))
    return tuple(hashes) if tuple(hashes) != whole else (*whole, b"\0" * 32)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damaged_inclusion_is_accepted(data: st.DataObject) -> None:
    """Another path, leaf, place or root."""
    size = data.draw(st.integers(1, MOST))
    number = data.draw(st.integers(0, size - 1))
    whole = prove(inclusion_ranges(number, size), read)
    leaf, top = grown()[0, number], root(0, size)

    assert includes(top, size, number, leaf, whole)
    assert not includes(top, size, number, leaf, data.draw(damaged(whole)))
    assert not includes(top, size, number, data.draw(HASH.filter(lambda h: h != leaf)), whole)
    assert not includes(data.draw(HASH.filter(lambda h: h != top)), size, number, leaf, whole)
    elsewhere = data.draw(st.integers(0, size + 3).filter(lambda n: n != number))
    assert not includes(top, size, elsewhere, leaf, whole)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damaged_extension_is_accepted(data: st.DataObject) -> None:
    """Another proof, an old root that never was, or a new tree that is not grown from the old one."""
    second = data.draw(st.integers(1, MOST))
    first = data.draw(st.integers(0, second))
    whole = prove(consistency_ranges(first, second), read)
    old, new = root(0, first), root(0, second)

    assert not extends(old, first, new, second, data.draw(damaged(whole)))
    assert not extends(data.draw(HASH.filter(lambda h: h != old)), first, new, second, whole)
    if first:  # anything extends the empty tree
        assert not extends(old, first, data.draw(HASH.filter(lambda h: h != new)), second, whole)


@pytest.mark.parametrize(
    ("size", "number"), [(0, 0), (1, 1), (5, 5), (5, -1), (-1, 0), (MAX_SIZE + 1, 0), (True, 0), (1, False), (1.0, 0)]
)
def test_sizes_and_numbers_are_not_believed(size: int, number: int) -> None:
    """A tree without leaves includes nothing, nor is a leaf beyond its end or a truth value anything."""
    leaf = grown()[0, 0]

    assert not includes(leaf, size, number, leaf, ())
    assert not includes(SHA256.empty, size, number, leaf, ())


@pytest.mark.parametrize("hash_", ["", "00" * 32, b"", None, 0, bytearray(32)])
def test_hashes_are_bytes_of_their_length(hash_: object) -> None:
    """Whatever stands in their place is refused, not tripped over."""
    leaf = grown()[0, 0]

    assert not includes(root(0, 2), 2, 0, leaf, [hash_])  # type: ignore[list-item]
    assert not includes(hash_, 1, 0, leaf, ())  # type: ignore[arg-type]
    assert not extends(leaf, 1, root(0, 2), 2, [hash_])  # type: ignore[list-item]
    assert not extends(hash_, 1, root(0, 2), 2, [grown()[0, 1]])  # type: ignore[arg-type]


def test_the_empty_tree_extends_only_itself_backwards() -> None:
    """A log that was emptied is not the log it was, however the sizes are told."""
    leaf, empty = grown()[0, 0], SHA256.empty

    assert extends(empty, 0, leaf, 1, ())
    assert extends(empty, 0, empty, 0, ())
    assert not extends(leaf, 0, leaf, 1, ())
    assert not extends(leaf, 0, leaf, 0, ())
    assert not extends(empty, 0, leaf, 1, (leaf,))
    assert not extends(leaf, 1, empty, 0, ())
    assert not extends(leaf, 1, empty, 1, ())
    assert not extends(root(0, 2), 2, root(0, 3), 3, ())
    assert not extends(root(0, 3), 3, root(0, 4), 4, ())
