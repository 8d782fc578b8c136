-- Output of runs that have ended, compressed: many lines a row. The blocks of a run are a beginning of its lines, and
-- what is in `output` follows them. Sums stand beside the bytes, so that counting unpacks nothing.
CREATE TABLE block (
  run   INTEGER NOT NULL REFERENCES run (no),
  first INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  out   INTEGER NOT NULL,
  err   INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (run, first)
) STRICT, WITHOUT ROWID;
