#!/bin/sh
# Makes or upgrades Temporal's two databases. Every step leaves alone what is already there, so it runs at each start
# and brings the schema up to date after the images' version was raised.
set -eu

schema=/etc/temporal/schema/postgresql/v12

# The password comes by SQL_PASSWORD, so that it is in no process list.
sql_tool() {
  temporal-sql-tool --plugin "$SQL_PLUGIN" --ep "$SQL_HOST" -p "$SQL_PORT" -u "$SQL_USER" "$@"
}

prepare() {
  sql_tool --db "$1" create
  sql_tool --db "$1" setup-schema -v 0.0
  sql_tool --db "$1" update-schema -d "$schema/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
