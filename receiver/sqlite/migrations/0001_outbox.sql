-- The outbox. All times are Unix milliseconds; 0 is "none".

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Random name of this store: the first half of every delivery's key.
INSERT INTO meta VALUES ('instance', lower(hex(randomblob(8))));

-- One accepted webhook call. Never updated.
-- AUTOINCREMENT: an id must not come back after pruning.
CREATE TABLE notification (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  receiver    TEXT NOT NULL,
  group_key   TEXT NOT NULL,
  enc         TEXT NOT NULL CHECK (enc IN ('raw', 'zstd')),
  body        BLOB NOT NULL
) STRICT;
CREATE INDEX notification_received ON notification(received_at, id);

-- What one recipient on one channel knows of one group.
CREATE TABLE thread (
  id          INTEGER PRIMARY KEY,
  receiver    TEXT NOT NULL,
  group_key   TEXT NOT NULL,
  channel     TEXT NOT NULL,
  recipient   TEXT NOT NULL,
  episode     INTEGER NOT NULL,
  alerts      TEXT NOT NULL,              -- JSON: [{"f":fingerprint,"s":status,"t":startsAt}]
  firing      INTEGER NOT NULL,           -- 1 while any of them fires
  updated_at  INTEGER NOT NULL,           -- last delivery accepted
  touched_at  INTEGER NOT NULL,           -- last change of this row by a notification
  ref         TEXT NOT NULL DEFAULT '',   -- last receipt's ref ...
  ref_episode INTEGER NOT NULL DEFAULT 0, -- ... and the episode that it belongs to
  UNIQUE (group_key, recipient, channel, receiver)
) STRICT;
CREATE INDEX thread_over ON thread(touched_at) WHERE firing = 0;

-- One notification on its way to one recipient on one channel.
CREATE TABLE delivery (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  notification_id INTEGER NOT NULL REFERENCES notification(id) ON DELETE CASCADE,
  thread_id       INTEGER NOT NULL REFERENCES thread(id),
  channel         TEXT NOT NULL,          -- the thread's, copied for the indexes
  episode         INTEGER NOT NULL,       -- the thread's when it was accepted
  alerts          TEXT NOT NULL,
  reminder        INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  cause           TEXT NOT NULL DEFAULT '' CHECK ((state = 'dead') = (cause <> '')),
  attempt         INTEGER NOT NULL DEFAULT 0,
  last_error      TEXT NOT NULL DEFAULT '',
  receipt         TEXT NOT NULL DEFAULT '', -- JSON
  created_at      INTEGER NOT NULL,
  not_before      INTEGER NOT NULL,
  lease_until     INTEGER NOT NULL DEFAULT 0,
  finished_at     INTEGER NOT NULL DEFAULT 0,
  -- When a worker may have it: not_before, or lease_until while leased.
  -- NULL for all but the one delivery of each thread whose turn it is.
  due_at          INTEGER,
  CHECK (due_at IS NULL OR state = 'pending')
) STRICT;
-- The ordering law as a constraint: no thread has two deliveries to claim.
CREATE UNIQUE INDEX delivery_head ON delivery(thread_id) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_due ON delivery(channel, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_lease ON delivery(channel, lease_until) WHERE lease_until > 0;
CREATE INDEX delivery_thread ON delivery(thread_id, state, id);
CREATE INDEX delivery_notification ON delivery(notification_id);
CREATE INDEX delivery_state ON delivery(state, channel, id, cause);

-- One try at a delivery. outcome 'started' with finished_at 0: it runs, or its
-- worker crashed.
CREATE TABLE attempt (
  delivery_id INTEGER NOT NULL REFERENCES delivery(id) ON DELETE CASCADE,
  n           INTEGER NOT NULL,
  worker      TEXT NOT NULL,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL DEFAULT 0,
  outcome     TEXT NOT NULL CHECK (outcome IN ('started', 'delivered', 'retry', 'dead')),
  error       TEXT NOT NULL DEFAULT '',
  receipt     TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (delivery_id, n)
) STRICT, WITHOUT ROWID;

-- Bodies that were accepted but not understood.
CREATE TABLE quarantine (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  remote      TEXT NOT NULL,
  receiver    TEXT NOT NULL,
  reason      TEXT NOT NULL,
  truncated   INTEGER NOT NULL,
  enc         TEXT NOT NULL CHECK (enc IN ('raw', 'zstd')),
  body        BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_received ON quarantine(received_at);
