"""Damage valid inputs, in an order that a seed decides: what failed once can be made to fail again."""

import random
from collections.abc import Iterator, Sequence

LONGEST_OCTETS = 64 * 1024
MOST_CHANGES = 6

INTERESTING = (0x00, 0x01, 0x0A, 0x20, 0x22, 0x5B, 0x7F, 0x80, 0xC3, 0xFF)
"""Octets at which a parser may turn: ends, quotes, brackets, the edges of signs and of UTF-8."""


class Mutator:
    """Makes new inputs of old ones."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], number: int) -> None:
        """Take valid inputs, words of their language, and what to draw chance from."""
        self._seeds = seeds
        self._words = words or (b"",)
        self._draw = random.Random(number)

    def inputs(self, count: int) -> Iterator[bytes]:
        """Yield so many inputs."""
        for _ in range(count):
            yield self.next_input()

    def next_input(self) -> bytes:
        """Change a valid input in a few places."""
        octets = bytearray(self._draw.choice(self._seeds))
        for _ in range(self._draw.randint(1, MOST_CHANGES)):
            self._change(octets)
        return bytes(octets[:LONGEST_OCTETS])

    def _change(self, octets: bytearray) -> None:
        draw = self._draw
        place = draw.randint(0, len(octets))
        reach = place + draw.choice((1, 1, 2, 4, 16, 64))
        match draw.randrange(8):
            case 0 if place < len(octets):
                octets[place] ^= 1 << draw.randrange(8)
            case 1 if place < len(octets):
                octets[place] = draw.choice(INTERESTING)
            case 2:
                octets[place:place] = draw.choice(self._words)
            case 3:
                octets[place:reach] = draw.choice(self._words)
            case 4:
                del octets[place:reach]
            case 5:
                octets[place:place] = octets[place:reach] * draw.choice((1, 2, 8, 100))
            case 6:
                other = draw.choice(self._seeds)
                octets[place:] = other[draw.randint(0, len(other)) :]
            case _:
                octets[place:place] = draw.randbytes(draw.choice((1, 2, 4, 18, 300)))
