-- Up Migration
-- Where other gateways reach it, when that is another address than callers use.
ALTER TABLE gateways ADD COLUMN peer_url text;
-- What it says of itself every few seconds; null: it has said nothing yet.
ALTER TABLE gateways ADD COLUMN reported_at timestamptz;
ALTER TABLE gateways ADD COLUMN lease_ago_ms integer;
ALTER TABLE gateways ADD COLUMN lag_ms real;
ALTER TABLE gateways ADD COLUMN requests_per_second real;
ALTER TABLE gateways ADD COLUMN fenced_because text;

-- Down Migration
ALTER TABLE gateways DROP COLUMN fenced_because, DROP COLUMN requests_per_second, DROP COLUMN lag_ms,
  DROP COLUMN lease_ago_ms, DROP COLUMN reported_at, DROP COLUMN peer_url;
