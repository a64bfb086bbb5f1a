#!/bin/sh
# Run by the PostgreSQL image when it makes its data, and only then: a role for Temporal, which makes its own two
# databases, and a role with a database for Muster. Neither is a superuser.
set -eu

psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set temporal_password="$DB_PASSWORD_TEMPORAL" \
  --set muster_password="$DB_PASSWORD_MUSTER" <<'SQL'
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
CREATE ROLE muster LOGIN PASSWORD :'muster_password';
CREATE DATABASE muster OWNER muster;
SQL
