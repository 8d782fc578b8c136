-- The log. Entries are never edited or deleted; seq is gapless.
CREATE TABLE entry (
  seq     INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  project TEXT,
  kind    TEXT NOT NULL,
  body    TEXT NOT NULL
) STRICT;

-- Appends that were acknowledged, so that sending one again appends nothing.
CREATE TABLE append (
  id  TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs by a short number for the output table, and what a starting bridge must know of them.
CREATE TABLE run (
  no        INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  requested INTEGER NOT NULL,
  pid       INTEGER,
  started   INTEGER,
  ended     INTEGER,
  lines     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_open ON run (requested) WHERE ended IS NULL;

-- What agents wrote, byte for byte; a line holds its newline.
CREATE TABLE output (
  run    INTEGER NOT NULL REFERENCES run (no),
  line   INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  bytes  BLOB NOT NULL,
  PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;
