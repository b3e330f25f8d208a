"""A policy book that says what claims are worth, for trials and tests: no text that we have does (S6)."""

from collections.abc import Mapping

from aftersale.policy.book import Book
from aftersale.policy.service_terms import Compensation, Guarantee
from aftersale.policy.services import ServiceFile
from aftersale.vocabulary import ClaimType


def priced(book: Book, worth: Mapping[ClaimType, Compensation]) -> Book:
    """Return the book, but for what claims of these types are worth once they are granted."""
    files = [_priced(file, worth) for file in book.services.files]
    return Book(book.files, files, name=book.name, revision=book.revision)


def _priced(file: ServiceFile, worth: Mapping[ClaimType, Compensation]) -> ServiceFile:
    def row(old: Guarantee) -> Guarantee:
        return old.model_copy(update={"compensation": worth[old.type]}) if old.type in worth else old

    versions = [
        version.model_copy(update={"claim": tuple(row(old) for old in version.claim)}) for version in file.version
    ]
    return file.model_copy(update={"version": tuple(versions)})
