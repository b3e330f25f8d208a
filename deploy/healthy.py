"""Check that the worker of this container polls for work: exit status 0 if so, else a line that says what is wrong.

It reads the worker's own metrics. So a Temporal server that is away makes no worker ill: it polls on, and waits.
"""

import http.client
import os
import sys


def polls(metrics: str) -> bool:
    """Whether these metrics, in the format of Prometheus, count a poller."""
    return any(
        line.startswith("temporal_num_pollers{") and float(line.rpartition(" ")[2]) > 0 for line in metrics.splitlines()
    )


def read(address: str) -> str:
    """The metrics that are served at the address. Raises OSError where none are."""
    server = http.client.HTTPConnection(address, timeout=3)
    try:
        server.request("GET", "/metrics")
        return server.getresponse().read().decode()
    finally:
        server.close()


if __name__ == "__main__":
    try:
        sys.exit(None if polls(read(os.environ.get("AFTERSALE_METRICS_ADDRESS", ""))) else "polls for nothing")
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"AFTERSALE_METRICS_ADDRESS: nothing is to be read there ({error})")
