-- The ledger's tables. Names are unqualified: the program sets the schema (`bucketline` unless told
-- otherwise). Text that is compared or sorted is COLLATE "C": names and keys order by their bytes.

CREATE TABLE feeds (
  feed text COLLATE "C" PRIMARY KEY,
  -- Greatest column id given out; ids are never used twice.
  last_field_id integer NOT NULL DEFAULT 0
);

CREATE TABLE partitions (
  partition_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  feed text COLLATE "C" NOT NULL REFERENCES feeds,
  partition text COLLATE "C" NOT NULL,
  complete boolean NOT NULL DEFAULT false,
  waiting_for text,
  -- Of the present data objects.
  objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  -- Of the present data objects' keys and versions; equals a generation's where the sets are equal.
  data_hash text NOT NULL DEFAULT '',
  -- Of everything the latest listing said; an equal listing needs no look at the objects.
  listing_hash text NOT NULL DEFAULT '',
  first_seen_at timestamptz NOT NULL,
  checked_at timestamptz NOT NULL,
  first_completed_at timestamptz,
  completed_at timestamptz,
  published_at timestamptz,
  -- Greatest generation made; 0 before the first.
  generation integer NOT NULL DEFAULT 0,
  served_generation integer,
  pinned boolean NOT NULL DEFAULT false,
  last_load_id text,
  UNIQUE (feed, partition)
);

CREATE TABLE objects (
  object_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  feed text COLLATE "C" NOT NULL,
  -- Where the latest listing that shows the object puts it.
  partition_id bigint NOT NULL REFERENCES partitions,
  key text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  size bigint NOT NULL,
  modified_at timestamptz NOT NULL,
  role text NOT NULL CHECK (role IN ('data', 'marker', 'manifest')),
  first_seen_at timestamptz NOT NULL,
  -- Set while the partition's latest listing does not show this key at this version.
  gone_at timestamptz,
  UNIQUE (feed, key, version)
);
CREATE INDEX objects_present ON objects (partition_id) WHERE gone_at IS NULL;

CREATE TABLE generations (
  partition_id bigint NOT NULL REFERENCES partitions,
  generation integer NOT NULL,
  reason text NOT NULL,
  -- The generation whose objects these are: itself, or an earlier one where only winners changed.
  content_generation integer NOT NULL,
  data_hash text NOT NULL,
  contract_hash text NOT NULL,
  settings_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  -- Of its served files.
  rows bigint NOT NULL DEFAULT 0,
  -- The load that published it.
  load_id text,
  PRIMARY KEY (partition_id, generation)
);

-- An object is in every content generation from `from_generation` until before `until_generation`:
-- a generation costs what it adds and removes, not what it holds.
CREATE TABLE generation_objects (
  partition_id bigint NOT NULL REFERENCES partitions,
  object_id bigint NOT NULL REFERENCES objects,
  from_generation integer NOT NULL,
  until_generation integer,
  PRIMARY KEY (partition_id, object_id, from_generation)
);

CREATE TABLE loads (
  load_id text COLLATE "C" PRIMARY KEY,
  feed text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL REFERENCES partitions,
  generation integer NOT NULL,
  reason text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'published', 'refused', 'failed')),
  holder text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  code text,
  message text,
  retryable boolean NOT NULL DEFAULT false,
  rows_read bigint NOT NULL DEFAULT 0,
  rows_published bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0,
  rejected bigint NOT NULL DEFAULT 0,
  objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  CHECK (state <> 'published' OR rows_read = rows_published + duplicates + rejected),
  FOREIGN KEY (partition_id, generation) REFERENCES generations
);
CREATE INDEX loads_of_partition ON loads (partition_id, load_id);
CREATE INDEX loads_of_feed ON loads (feed, load_id);
CREATE INDEX loads_running ON loads (load_id) WHERE state = 'running';

CREATE TABLE load_objects (
  load_id text COLLATE "C" NOT NULL REFERENCES loads,
  position integer NOT NULL,
  object_id bigint NOT NULL REFERENCES objects,
  bytes bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('loaded', 'refused')),
  rows_read bigint NOT NULL,
  rejected bigint NOT NULL,
  code text,
  message text,
  PRIMARY KEY (load_id, position)
);

CREATE TABLE load_rejects (
  load_id text COLLATE "C" NOT NULL REFERENCES loads,
  position integer NOT NULL,
  code text NOT NULL,
  "column" text,
  count bigint NOT NULL,
  PRIMARY KEY (load_id, position)
);

CREATE TABLE load_notes (
  load_id text COLLATE "C" NOT NULL REFERENCES loads,
  position integer NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (load_id, position)
);

-- One row per running load. The two unique constraints are the promise that no partition, and no
-- feed whose rows are compared across partitions, is loaded twice at a time.
CREATE TABLE leases (
  load_id text COLLATE "C" PRIMARY KEY REFERENCES loads,
  feed text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL UNIQUE REFERENCES partitions,
  exclusive_feed text COLLATE "C" UNIQUE,
  expires_at timestamptz NOT NULL
);
CREATE INDEX leases_of_feed ON leases (feed);

CREATE TABLE files (
  file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  feed text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL REFERENCES partitions,
  -- Who wrote it and as what; what it counts as in a generation is in `generation_files`.
  generation integer NOT NULL,
  load_id text COLLATE "C" NOT NULL REFERENCES loads,
  kind text NOT NULL CHECK (kind IN ('data', 'candidates', 'rejects')),
  path text COLLATE "C" NOT NULL,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  min_time timestamptz,
  max_time timestamptz,
  object_ids bigint[] NOT NULL,
  created_at timestamptz NOT NULL,
  swept_at timestamptz,
  UNIQUE (feed, path)
);
CREATE INDEX files_of_partition ON files (partition_id);
CREATE INDEX files_of_rejects ON files (feed, load_id) WHERE kind = 'rejects' AND swept_at IS NULL;

CREATE TABLE generation_files (
  partition_id bigint NOT NULL,
  generation integer NOT NULL,
  file_id bigint NOT NULL REFERENCES files,
  kind text NOT NULL CHECK (kind IN ('data', 'candidates', 'rejects')),
  PRIMARY KEY (partition_id, generation, file_id),
  FOREIGN KEY (partition_id, generation) REFERENCES generations
);

CREATE TABLE strays (
  feed text COLLATE "C" NOT NULL REFERENCES feeds,
  object text COLLATE "C" NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  first_seen_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (feed, object)
);

CREATE TABLE dataset_columns (
  feed text COLLATE "C" NOT NULL REFERENCES feeds,
  name text COLLATE "C" NOT NULL,
  type text NOT NULL,
  field_id integer NOT NULL,
  nested_ids jsonb NOT NULL,
  semantic text NOT NULL CHECK (semantic IN ('column', 'dimension', 'measure')),
  added_at timestamptz NOT NULL,
  PRIMARY KEY (feed, name),
  UNIQUE (feed, field_id)
);
