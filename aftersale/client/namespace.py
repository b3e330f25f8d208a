"""Prepare and check a Temporal namespace: the search attributes it must have, and how long it keeps cases."""

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from aftersale.client.calls import PATIENCE, await_server
from aftersale.errors import Refusal
from aftersale.temporal.search_attributes import ATTRIBUTES


class Namespace:
    """The Temporal namespace in which cases run."""

    def __init__(self, client: Client, timeout: timedelta = PATIENCE) -> None:
        """Look after the namespace of a connected client; `timeout` bounds every call."""
        self._client, self._timeout = client, timeout

    async def setup(self) -> list[str]:
        """Register the search attributes that are missing; returns their names. Safe to repeat.

        Raises Refusal where one exists with another type, ServiceFault, NoAnswer.
        """
        missing = await self.missing_attributes()
        if missing:
            wanted = {name: _indexed(ATTRIBUTES[name]) for name in missing}
            request = AddSearchAttributesRequest(namespace=self._client.namespace, search_attributes=wanted)
            await await_server(self._client.operator_service.add_search_attributes(request), self._timeout)
        return missing

    async def missing_attributes(self) -> list[str]:
        """Return the search attributes that `setup` has still to register. Raises as `setup`."""
        request = ListSearchAttributesRequest(namespace=self._client.namespace)
        listed = await await_server(self._client.operator_service.list_search_attributes(request), self._timeout)
        found = listed.custom_attributes
        clashes = [
            f"{name} is not {type_}"
            for name, type_ in ATTRIBUTES.items()
            if found.get(name, _indexed(type_)) != _indexed(type_)
        ]
        if clashes:
            said = f"search attributes exist with another type: {', '.join(clashes)}"
            raise Refusal("attribute_clash", f"{said}; remove them with `temporal operator search-attribute remove`")
        return sorted(ATTRIBUTES.keys() - found.keys())

    async def retention(self) -> timedelta:
        """Say how long after its end the server keeps a case. Raises ServiceFault, NoAnswer."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        described = await await_server(self._client.workflow_service.describe_namespace(request), self._timeout)
        return described.config.workflow_execution_retention_ttl.ToTimedelta()


def _indexed(type_: str) -> IndexedValueType.ValueType:
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{type_.upper()}")
