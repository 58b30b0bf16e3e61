-- The outbox. All times are Unix milliseconds; 0 is "none".

-- One row: that this schema is an outbox, and of which version.
CREATE TABLE bongsu_outbox (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  version  integer NOT NULL,
  -- Random name of this store: the first half of every delivery's key.
  instance text NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 16)
);

-- One accepted webhook call. Never updated.
CREATE TABLE notification (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at bigint NOT NULL,
  receiver    text NOT NULL,
  group_key   text NOT NULL,
  enc         text NOT NULL CHECK (enc IN ('raw', 'zstd')),
  body        bytea NOT NULL
);
ALTER TABLE notification ALTER COLUMN body SET STORAGE EXTERNAL; -- it is packed already
CREATE INDEX notification_received ON notification(received_at, id);

-- What one recipient on one channel knows of one group. Its row lock is the
-- right to change the state, and the head, of any of its deliveries.
CREATE TABLE thread (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key         bytea NOT NULL UNIQUE,      -- SHA-256 of the next four: group keys can be longer than an index takes
  receiver    text NOT NULL,
  group_key   text NOT NULL,
  channel     text NOT NULL,
  recipient   text NOT NULL,
  episode     bigint NOT NULL DEFAULT 0,
  alerts      text NOT NULL DEFAULT '[]', -- JSON: [{"f":fingerprint,"s":status,"t":startsAt}]
  firing      boolean NOT NULL DEFAULT false, -- while any of them fires
  updated_at  bigint NOT NULL DEFAULT 0,  -- last delivery accepted
  touched_at  bigint NOT NULL,            -- last change of this row by a notification
  ref         text NOT NULL DEFAULT '',   -- last receipt's ref ...
  ref_episode bigint NOT NULL DEFAULT 0   -- ... and the episode that it belongs to
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- No index on what changes: so an update stays on its page (HOT).

-- One notification on its way to one recipient on one channel.
CREATE TABLE delivery (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  notification_id bigint NOT NULL REFERENCES notification(id) ON DELETE CASCADE,
  thread_id       bigint NOT NULL REFERENCES thread(id),
  channel         text COLLATE "C" NOT NULL, -- the thread's, copied for the indexes
  episode         bigint NOT NULL,        -- the thread's when it was accepted
  alerts          text NOT NULL,
  reminder        boolean NOT NULL,
  state           text COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  cause           text COLLATE "C" NOT NULL DEFAULT '' CHECK ((state = 'dead') = (cause <> '')),
  attempt         bigint NOT NULL DEFAULT 0,
  last_error      text NOT NULL DEFAULT '',
  receipt         text NOT NULL DEFAULT '', -- JSON
  created_at      bigint NOT NULL,
  not_before      bigint NOT NULL,
  lease_until     bigint NOT NULL DEFAULT 0,
  finished_at     bigint NOT NULL DEFAULT 0,
  -- When a worker may have it: not_before, or lease_until while leased.
  -- NULL for all but the one delivery of each thread whose turn it is.
  due_at          bigint,
  CHECK (due_at IS NULL OR state = 'pending'),
  CHECK (lease_until = 0 OR due_at = lease_until)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
-- The ordering law as a constraint: no thread has two deliveries to claim. (IS
-- TRUE keeps it from queries that are delivery_due's.)
CREATE UNIQUE INDEX delivery_head ON delivery(thread_id) WHERE (due_at IS NOT NULL) IS TRUE;
CREATE INDEX delivery_due ON delivery(channel, due_at, id) WHERE due_at IS NOT NULL AND lease_until = 0;
CREATE INDEX delivery_lease ON delivery(channel, lease_until) WHERE lease_until > 0;
CREATE INDEX delivery_thread ON delivery(thread_id, state, id);
CREATE INDEX delivery_notification ON delivery(notification_id);
CREATE INDEX delivery_state ON delivery(state, channel, id, cause);

-- One try at a delivery. outcome 'started' with finished_at 0: it runs, or its
-- worker crashed.
CREATE TABLE attempt (
  delivery_id bigint NOT NULL REFERENCES delivery(id) ON DELETE CASCADE,
  n           bigint NOT NULL,
  worker      text NOT NULL,
  started_at  bigint NOT NULL,
  finished_at bigint NOT NULL DEFAULT 0,
  outcome     text NOT NULL DEFAULT 'started' CHECK (outcome IN ('started', 'delivered', 'retry', 'dead')),
  error       text NOT NULL DEFAULT '',
  receipt     text NOT NULL DEFAULT '',
  PRIMARY KEY (delivery_id, n)
) WITH (fillfactor = 80);

-- Bodies that were accepted but not understood.
CREATE TABLE quarantine (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at bigint NOT NULL,
  remote      text NOT NULL,
  receiver    text NOT NULL,
  reason      text NOT NULL,
  truncated   boolean NOT NULL,
  enc         text NOT NULL CHECK (enc IN ('raw', 'zstd')),
  body        bytea NOT NULL
);
ALTER TABLE quarantine ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX quarantine_received ON quarantine(received_at);
