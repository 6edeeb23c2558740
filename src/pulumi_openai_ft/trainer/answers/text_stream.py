"""Conversion of tokens to text while they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """Returns the certain part of the text after each token.

    Args:
        decode: Returns the text of tokens.
        stop: Texts that end the answer and are not part of it.

    Attributes:
        stopped: Whether a stop text occurred.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        self.stopped: bool = False
        self._decode = decode
        self._stop = stop
        self._tokens: list[int] = []
        self._context = (
            0  # tokens from here on are decoded again, since a token's text can depend on those before it
        )
        self._decoded = 0  # tokens before this one are in `_held`, or were returned
        self._held = ""

    def add(self, token: int) -> str:
        """Return the text that is certain after another token: all but an incomplete character or stop text."""
        if self.stopped:
            return ""
        self._tokens.append(token)
        text = self._new_text()
        if not text.endswith(_INCOMPLETE):
            self._accept(text)
        return self._certain_text()

    def finish(self) -> str:
        """Return the rest of the text after the last token."""
        if self.stopped:
            return ""
        self._accept(self._new_text())
        text = self._certain_text() + self._held
        self._held = ""
        return text

    def _new_text(self) -> str:
        before = self._decode(self._tokens[self._context : self._decoded])
        return self._decode(self._tokens[self._context :])[len(before) :]

    def _accept(self, text: str) -> None:
        if text:
            self._held += text
            self._context, self._decoded = self._decoded, len(self._tokens)

    def _certain_text(self) -> str:
        places = [place for stop in self._stop if (place := self._held.find(stop)) >= 0]
        if places:
            self.stopped = True
            end, rest = min(places), len(self._held)
        else:
            end = rest = len(self._held) - self._possible_start()
        text, self._held = self._held[:end], self._held[rest:]
        return text

    def _possible_start(self) -> int:
        """Return the length of the longest end of the held text that a stop text could begin with."""
        longest = max(map(len, self._stop), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stop):
                return length
        return 0
