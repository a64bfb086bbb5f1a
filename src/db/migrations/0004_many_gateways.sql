-- Up Migration
-- What share of the agents a gateway takes beside the others, and whether it is being emptied.
ALTER TABLE gateways ADD COLUMN weight double precision NOT NULL DEFAULT 1;
ALTER TABLE gateways ADD COLUMN draining boolean NOT NULL DEFAULT false;

-- Down Migration
ALTER TABLE gateways DROP COLUMN draining, DROP COLUMN weight;
