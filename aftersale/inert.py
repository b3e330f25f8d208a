"""Text made inert: what would steer a terminal, reorder a line or hide in it is shown instead of obeyed.

One rule for every way out to people: the command line, its JSON, the Temporal UI, messages in words. What parties write
is kept as it was written, and programs get it so.
"""

import unicodedata

_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's control, format, surrogate and separator characters: escape sequences, changes of direction, line ends."""

_HARMLESS = {"\n", "\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}"}
"""A line's own end, and what joins the parts of an emoji or parts the letters of a word."""


def inert(text: str) -> str:
    """Return a text for people, with what would steer it as escapes: `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(repr(each)[1:-1] if _steers(each) else each for each in text)


def inert_json(text: str) -> str:
    """Return JSON that says the same, with what would steer its reader as JSON's own escapes."""
    if text.isprintable():
        return text
    return "".join(_escaped(each) if _steers(each) else each for each in text)


def _steers(character: str) -> bool:
    return character not in _HARMLESS and unicodedata.category(character) in _STEERING


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place] << 8 | units[place + 1]:04x}" for place in range(0, len(units), 2))
