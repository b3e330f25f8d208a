"""Leave for workers to begin on records: a schema that they can write, and a ledger that has forgotten nothing."""

import asyncio
import logging

from temporalio.client import Client

from aftersale import records
from aftersale.client.restores import Restores
from aftersale.errors import AftersaleError

_LOG = logging.getLogger("aftersale.worker")


async def require_fit_records(client: Client, url: str) -> None:
    """Refuse records that this version cannot write, and a ledger that is older than what Temporal knows.

    Those that cannot be reached now may be later, and cases go on meanwhile. Raises AftersaleError, with the remedy.
    """
    try:
        await asyncio.to_thread(records.require_current, url)
        with records.open(url) as kept:
            await Restores(client).require_whole(kept)
    except (records.RecordsOutdated, records.RecordsNewer) as error:
        raise AftersaleError(str(error)) from None
    except records.RecordsUnavailable as error:
        _LOG.warning(str(error))
