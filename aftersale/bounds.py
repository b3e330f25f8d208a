"""Technical bounds: how much of anything there may be, each with its reason (R32). No limit of the trade is among them.

Temporal takes no payload over 2 MB, an update's answer included, and ends a workflow whose history grows over 50 MB, or
that has taken 2,000 updates. What follows stays well below, with every bound reached at once.
"""

# Texts, in characters

ID = 64
"""A reference: it is part of workflow ids, search attributes and file names."""

CODE = 64
"""A word of a vocabulary: it is a search term, and a column of a list."""

DURATION = 40
"""A duration, as it was written."""

NOTE = 2_000
"""What a party says in its own words: a page."""

URI = 1_000
"""The address of a piece of evidence: what browsers and proxies let pass."""

MEDIA_TYPE = 100
"""The sort of a piece of evidence."""

SCAN = 500
"""What a carrier says of a scan: signals cannot be refused, and there may be very many."""

METADATA = 500
"""One value of what a caller keeps with its request."""

KEY = 200
"""A key of somebody else's: the caller's request id, a reference of the provider's in a statement.

In any writing it leaves room within the 1,000 bytes that the server takes for an update id.
"""

REASON = 1_000
"""What a service says in its own words; it stands on the timeline and in the refund that it is about."""

REFERENCE = 200
"""The name that a service gives a thing."""

SAID = 2_500
"""A line of a timeline: a note, with the words around it."""

REFUSED_SIGNAL = 500
"""A line about a signal that was not taken: there may be many, and the first words say enough."""

PROBLEM = 1_000
"""What is said of one problem: a request over a hundred lines may have many that name all of them."""

# Counts in what is sent

ITEMS = 100
"""Lines of an order, of a request, and of a sum."""

TENDERS = 20
"""What one line was paid with."""

LABELS = 20
"""Labels of one order line; its services alike."""

FACTS = 100
"""Labels, categories or services of an order with all its lines: every question to the policy book has them."""

EVIDENCE = 50
"""Pieces of evidence in one command."""

METADATA_ENTRIES = 20
"""What a caller keeps with its request."""

PROBLEMS = 50
"""Problems that are told at once: as many as a reader takes in."""

REQUEST_BYTES = 200_000
"""A whole request as JSON: the history has it at the start, in the update `open`, and with every amendment."""

# What repeats, for each party and each sort, so that no party takes another's

GIVEN = 30
"""How often a party may give one command that repeats: more than a dispute has turns."""

EVIDENCE_GIVEN = 50
"""How often a party may add evidence."""

PIECES = 200
"""Pieces of evidence that a party may add in all: they stay in the history, a kilobyte each."""

DELAYS = 10
"""How often a merchant may set the delay of a watched shipment: every clock of every parcel is asked for anew."""

AMENDMENTS = 10
"""How often a request may be changed: the intake is given the whole request each time."""

RETRIES = 20
"""How often a declined payment may be sent again: the platform settles it with the provider by hand then."""

CORRECTIONS = 20
"""Acts from stages that are over, or after the end, by one party: the platform is told of each."""

REPEATS = 10
"""How often a party is answered again under another update id: command and answer are in the history once more."""

REPEAT_BYTES = 10_000
"""A repeat that is larger counts as several: one may bring fifty pieces of evidence."""

OPENINGS = 500
"""How often `open` is answered: who opened by another id before asks the query `status` instead."""

REFUSED_SIGNALS = 20
"""Signals that were not taken and leave a line."""

SCANS = 200
"""Carriers' scans that a case keeps."""

WATCH_SCANS = 1_000
"""Carriers' scans that a watch keeps, of all its parcels."""

PARCELS = 50
"""Parcels that a watch follows, with four clocks each."""

# Sizes, in bytes

HISTORY_BYTES = 8_000_000
"""From here on a party's commands that repeat are refused; what must still come to pass finds room up to 10 MB."""

PARTY_BYTES = 250_000
"""What one party may put on a timeline by commands that repeat: with three of them the status stays below 1 MB."""

# What is called out at once: an activity's input is a payload as well

TURNS_BYTES = 500_000
"""Turns that are written by one call: records that were restored, or were away for long, ask for very many."""

QUESTIONS = 20
"""Questions to the policy book in one call."""

TEXTS = 50
"""Carriers' words in one call."""

SHOWN = 100
"""The last lines of a timeline on the page in the Temporal UI; `aftersale show` has all of them."""


def cut(text: str, most: int) -> str:
    """Return as much of a text as may stand there, with … where something was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"
