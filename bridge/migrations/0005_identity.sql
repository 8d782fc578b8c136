-- Which history this is: clients that know another one notice by it. `restore` draws it anew.
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))));
