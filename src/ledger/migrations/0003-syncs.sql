-- What is sent. A sync is known by its name; of its attempts one at a time may commit: the latest.
CREATE TABLE syncs (
  sync text COLLATE "C" PRIMARY KEY,
  -- The attempt that may commit, until the next one begins.
  attempt_id text COLLATE "C"
);

CREATE TABLE sync_attempts (
  attempt_id text COLLATE "C" PRIMARY KEY,
  -- The order in which attempts began.
  position bigint GENERATED ALWAYS AS IDENTITY,
  sync text COLLATE "C" NOT NULL REFERENCES syncs,
  destination text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
  holder text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  -- Number of its last commit; -1 before the first.
  last_commit bigint NOT NULL DEFAULT -1,
  -- Records in the bucket by that commit, and in the end.
  records bigint NOT NULL DEFAULT 0,
  objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  bad_values bigint NOT NULL DEFAULT 0,
  code text,
  message text
);
CREATE INDEX sync_attempts_of_sync ON sync_attempts (sync, position);

-- What a sync goes on from. The text is kept as it came: numbers in it may have more digits than any type.
CREATE TABLE sync_states (
  sync text COLLATE "C" NOT NULL REFERENCES syncs,
  scope text COLLATE "C" NOT NULL,
  state text NOT NULL,
  attempt_id text COLLATE "C" NOT NULL REFERENCES sync_attempts,
  committed_at timestamptz NOT NULL,
  PRIMARY KEY (sync, scope)
);
