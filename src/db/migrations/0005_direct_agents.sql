-- Up Migration
-- The lease of one run of a gateway on the direct agents that it owns. Its holder counts `renewals` up; who has seen it
-- stand still for long enough deletes it, and the agents that hung on it are free.
CREATE TABLE direct_leases (
  id text PRIMARY KEY,
  gateway_id text NOT NULL,
  incarnation text NOT NULL,
  renewals bigint NOT NULL DEFAULT 0
);

-- Agents that run inside a gateway, as they were declared, and whose they are.
CREATE TABLE direct_agents (
  id text PRIMARY KEY,
  zone text NOT NULL,
  cluster text NOT NULL,
  resource text NOT NULL,
  -- JSON text, sealed where there is a payload key; and the same without its secrets, for people.
  config text NOT NULL,
  shown_config jsonb NOT NULL,
  declared_at timestamptz NOT NULL DEFAULT now(),
  lease_id text REFERENCES direct_leases (id) ON DELETE SET NULL,
  -- Numbers the owners.
  claims bigint NOT NULL DEFAULT 0,
  claimed_at timestamptz,
  -- SHA-256 of the secret that the present claim made for the agent: an earlier owner's opens nothing.
  secret_hash bytea NOT NULL DEFAULT '',
  -- The disk that keeps the owner's journal, and the first session of the agent that it knows of for sure.
  journal_id text,
  journal_epoch bigint NOT NULL DEFAULT 1,
  -- The gateway that it is being moved to, and why it does not run.
  wanted_by text,
  trouble text
);
CREATE INDEX direct_agents_by_lease ON direct_agents (lease_id);

-- Down Migration
DROP TABLE direct_agents, direct_leases;
