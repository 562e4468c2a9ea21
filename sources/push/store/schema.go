package store

// migrations are the versions of the file. Times are Unix milliseconds.
var migrations = []string{`
-- generation counts changes; the first one is a commit
CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL);
INSERT INTO store VALUES (1, 0);

-- what a run reads; kind is in lower case
CREATE TABLE records (ref TEXT PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, body INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE INDEX records_kind ON records (kind, namespace);
CREATE TABLE bodies (id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE garbage (body INTEGER PRIMARY KEY); -- bodies of no record

-- open sets; each append is a part, and only parts that are done count
CREATE TABLE sets (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, scope TEXT NOT NULL,
  base INTEGER NOT NULL, began INTEGER NOT NULL);
CREATE TABLE parts (id INTEGER PRIMARY KEY, set_n INTEGER NOT NULL, number INTEGER NOT NULL, done INTEGER NOT NULL,
  records INTEGER NOT NULL, bytes INTEGER NOT NULL, touched INTEGER NOT NULL);
CREATE INDEX parts_set ON parts (set_n);
CREATE TABLE staged (set_n INTEGER NOT NULL, ref TEXT NOT NULL, part INTEGER NOT NULL, line INTEGER NOT NULL,
  kind TEXT NOT NULL, namespace TEXT NOT NULL, body INTEGER NOT NULL, PRIMARY KEY (set_n, ref, part)) WITHOUT ROWID;
CREATE INDEX staged_part ON staged (part);

CREATE TABLE changes (generation INTEGER PRIMARY KEY, at INTEGER NOT NULL, owner TEXT NOT NULL, set_id TEXT NOT NULL,
  ref TEXT NOT NULL, scope TEXT NOT NULL);
CREATE TABLE answers (owner TEXT NOT NULL, key TEXT NOT NULL, hash BLOB NOT NULL, answer TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID;
`}
