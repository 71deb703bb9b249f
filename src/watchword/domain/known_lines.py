"""Which lines of an exemption file are known to be right, because an earlier login found them so.

Whether a line is right depends on nothing but the line. So what a login has to remember is the lines themselves, and
what it may believe is that a line of the file equals one of them to the letter. Nothing is taken on the word of a hash,
a time or a number; a memory that is cut off, mixed up or of another file only says less.
"""

from __future__ import annotations


def shared(text: str, remembered: str) -> tuple[int, int]:
    """Return (head, tail): the lines before `head` and those from `tail` on are remembered, those between are not.

    Both are places where a line starts. What stands behind the last line feed of either text is left out.
    """
    end, known = text.rfind("\n") + 1, remembered.rfind("\n") + 1
    if remembered.startswith(text[:end]):
        return end, end
    alike = _alike_from_start(text, remembered, min(end, known))
    head = text.rfind("\n", 0, alike) + 1
    alike = _alike_from_end(text[head:end], remembered[head:known])
    # The line that the common part begins in may begin differently: it is known from its line feed on.
    tail = text.find("\n", end - alike, end) + 1
    return head, tail or end


def _alike_from_start(one: str, other: str, most: int) -> int:
    """Count the characters that both begin with, `most` at most: halve what is unsure until nothing is."""
    sure = 0
    while sure < most:
        half = (sure + most + 1) // 2
        if other.startswith(one[sure:half], sure):
            sure = half
        else:
            most = half - 1
    return sure


def _alike_from_end(one: str, other: str) -> int:
    """Count the characters that both end with."""
    sure, most = 0, min(len(one), len(other))
    while sure < most:
        half = (sure + most + 1) // 2
        if other.endswith(one[len(one) - half : len(one) - sure], 0, len(other) - sure):
            sure = half
        else:
            most = half - 1
    return sure
