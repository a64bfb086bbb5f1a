-- Up Migration

-- Since when the agent's present loss lasts (null while it has a session), and whether a Down verdict of it is held back.
ALTER TABLE agents ADD COLUMN lost_at timestamptz;
ALTER TABLE agents ADD COLUMN braked boolean NOT NULL DEFAULT false;
-- How far the evacuation of the host is; null when there is none.
ALTER TABLE agents ADD COLUMN maintenance jsonb;

-- Whether an operator declared the place, or an agent that claimed it made it known (open admission).
ALTER TABLE zones ADD COLUMN learnt boolean NOT NULL DEFAULT false;
ALTER TABLE clusters ADD COLUMN learnt boolean NOT NULL DEFAULT false;

-- Agents whose last handshake was refused, registered or not; gone with the next good one.
CREATE TABLE refusals (
  agent_id text PRIMARY KEY,
  code text NOT NULL,
  reason text NOT NULL,
  peer text NOT NULL,
  gateway_id text NOT NULL,
  zone text NOT NULL,
  cluster text NOT NULL,
  resource_type text NOT NULL,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now(),
  count bigint NOT NULL DEFAULT 1
);
CREATE INDEX refusals_by_age ON refusals (last_at);

-- What last ran on a host, by its pings; what a recovery has to look after.
CREATE TABLE inventory (
  agent_id text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  epoch bigint NOT NULL,
  workloads jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- One row for each host that was declared Down, once for each loss.
CREATE TABLE recoveries (
  agent_id text NOT NULL,
  epoch bigint NOT NULL,
  down_at timestamptz NOT NULL,
  evidence jsonb NOT NULL,
  workloads jsonb NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, epoch)
);

-- Hosts that are being emptied for maintenance: so many of one cluster at once.
CREATE TABLE maintenance_slots (
  agent_id text PRIMARY KEY,
  zone text NOT NULL,
  cluster text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX maintenance_slots_by_cluster ON maintenance_slots (zone, cluster);

-- Places of which so much was lost at once that Down is held back; cluster '' is the whole zone.
CREATE TABLE brakes (
  zone text NOT NULL,
  cluster text NOT NULL DEFAULT '',
  -- Null while the brake is off.
  since timestamptz,
  reason text NOT NULL DEFAULT '',
  -- An operator released it: off until then, whatever is lost.
  released_until timestamptz,
  released_by text,
  PRIMARY KEY (zone, cluster)
);

CREATE TABLE webhooks (
  id text PRIMARY KEY,
  url text NOT NULL,
  -- Signs the deliveries (HMAC-SHA256), so it has to be kept as it is.
  secret text NOT NULL,
  -- Event types that are wanted; null means all.
  types text[],
  -- Id of the last event that was delivered or passed over.
  cursor_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  -- In a row, up to now.
  failures bigint NOT NULL DEFAULT 0,
  last_error text,
  -- Since when nothing is delivered, until somebody resumes it; null while it is delivered.
  paused_at timestamptz
);

-- Down Migration
DROP TABLE webhooks, brakes, maintenance_slots, recoveries, inventory, refusals;
ALTER TABLE clusters DROP COLUMN learnt;
ALTER TABLE zones DROP COLUMN learnt;
ALTER TABLE agents DROP COLUMN maintenance, DROP COLUMN braked, DROP COLUMN lost_at;
