#!/bin/sh
# Make the namespace that cases live in, or give the one that is there its retention. Safe to repeat.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where, RETENTION how long closed cases stay.
set -eu

namespace() { # verb, options; a new namespace takes its name from no environment
    verb=$1 && shift
    temporal operator namespace "$verb" --namespace "$TEMPORAL_NAMESPACE" "$@"
}

if namespace describe > /dev/null 2>&1; then
    namespace update --retention "$RETENTION"
else
    namespace create --retention "$RETENTION"
fi
