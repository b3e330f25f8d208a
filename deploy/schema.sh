#!/bin/sh
# Make Temporal's two databases, or bring their tables up to this version. Safe to repeat, at every release.
# SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD say where.
set -eu

prepare() { # database, folder of its schema
    temporal-sql-tool --database "$1" create-database
    temporal-sql-tool --database "$1" setup-schema -v 0.0
    temporal-sql-tool --database "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
