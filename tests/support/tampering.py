"""Tamper with a database as no program of ours does: change rows behind the ledger's back, look into every column."""

from collections.abc import Iterator

from sqlalchemy import inspect, text

from aftersale.records.database import engine, parse_url


def tamper(url: str, *statements: str) -> None:
    """Execute SQL."""
    made = engine(parse_url(url), patience=60)
    with made.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, f"nothing came of: {statement}"
    made.dispose()


def cells(url: str) -> Iterator[tuple[str, str]]:
    """Every cell of every table as text, with the place where it stands."""
    made = engine(parse_url(url))
    with made.begin() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                for column, value in row._mapping.items():
                    yield f"{table}.{column}", str(value)
    made.dispose()
