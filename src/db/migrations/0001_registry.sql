-- Up Migration
CREATE TABLE zones (
  name text PRIMARY KEY,
  declared_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE clusters (
  zone text NOT NULL REFERENCES zones (name),
  name text NOT NULL,
  resource_type text NOT NULL,
  declared_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone, name)
);

-- Identity, and the read model of the agentLifecycle workflow (status … events). The workflow is the truth.
CREATE TABLE agents (
  id text PRIMARY KEY,
  -- SHA-256 of the agent's own secret: 32 random bytes need no slow hash.
  secret_hash bytea NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  zone text NOT NULL,
  cluster text NOT NULL,
  resource_type text NOT NULL,
  host jsonb NOT NULL,
  status text NOT NULL DEFAULT 'Creating',
  status_reason text NOT NULL DEFAULT 'registered, not yet seen by its lifecycle',
  status_since timestamptz NOT NULL DEFAULT now(),
  resource_state text NOT NULL DEFAULT 'Creating',
  ping_interval_ms integer,
  ping_timeout_multiplier double precision,
  -- Number of the newest event that the row shows; an older record never overwrites a newer one.
  last_event_no bigint NOT NULL DEFAULT 0
);
CREATE INDEX agents_by_place ON agents (zone, cluster);
CREATE INDEX agents_by_status ON agents (status);

-- Who holds the agent's socket. The epoch rises with each session and the newest wins, always.
CREATE TABLE sessions (
  agent_id text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  epoch bigint NOT NULL,
  gateway_id text NOT NULL,
  gateway_incarnation text NOT NULL,
  connected_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz
);
CREATE INDEX sessions_by_gateway ON sessions (gateway_id, gateway_incarnation) WHERE closed_at IS NULL;

CREATE TABLE gateways (
  id text PRIMARY KEY,
  incarnation text NOT NULL,
  version text NOT NULL,
  agent_url text NOT NULL,
  api_url text NOT NULL,
  state text NOT NULL,
  state_reason text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL DEFAULT now(),
  state_since timestamptz NOT NULL DEFAULT now()
);

-- The event log. (agent_id, no) makes an append idempotent. (tx, id) orders the stream: ids alone become visible
-- out of order, while nothing can appear any more below the oldest transaction that is still running.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  agent_id text NOT NULL,
  no bigint NOT NULL,
  at timestamptz NOT NULL,
  epoch bigint NOT NULL,
  type text NOT NULL,
  text text NOT NULL,
  data jsonb,
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (agent_id, no)
);
CREATE INDEX events_in_order ON events (tx, id);

-- Which agent a request id went to; the Request itself and its Answers live in the agent's workflow.
CREATE TABLE requests (
  id text PRIMARY KEY,
  agent_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX requests_by_age ON requests (at);

-- Down Migration
DROP TABLE requests, events, gateways, sessions, agents, clusters, zones;
