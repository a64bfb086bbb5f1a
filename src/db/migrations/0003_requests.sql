-- Up Migration

-- When a request id is forgotten. Gateways of an earlier release do not say: after the longest wait there is, and 7 days.
ALTER TABLE requests ADD COLUMN forget_at timestamptz NOT NULL DEFAULT now() + interval '17 days';
-- How often the id was brought: one that was brought once and refused leaves no row.
ALTER TABLE requests ADD COLUMN asked integer NOT NULL DEFAULT 1;
CREATE INDEX requests_to_forget ON requests (forget_at);
DROP INDEX requests_by_age;

-- Down Migration
CREATE INDEX requests_by_age ON requests (at);
DROP INDEX requests_to_forget;
ALTER TABLE requests DROP COLUMN asked, DROP COLUMN forget_at;
