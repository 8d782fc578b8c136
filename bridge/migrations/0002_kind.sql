-- A starting bridge asks for the newest entry of a kind; without this it would read the whole log.
CREATE INDEX entry_kind ON entry (kind);
