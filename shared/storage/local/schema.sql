-- The tables of the embedded backend. Every statement can be repeated.
-- Two rows have the same id while the old value of a key is still valid after a rotation.
CREATE TABLE IF NOT EXISTS api_key (
    key_hash   TEXT PRIMARY KEY,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    tenant     TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'blocked')),
    created_at TEXT NOT NULL, -- ISO 8601, UTC
    limits     TEXT NOT NULL, -- JSON
    expires_at TEXT           -- ISO 8601, UTC
) STRICT, WITHOUT ROWID;

-- What operators did to keys.
CREATE TABLE IF NOT EXISTS key_event (
    number   INTEGER PRIMARY KEY,
    at       TEXT NOT NULL, -- ISO 8601, UTC
    key_id   TEXT NOT NULL,
    key_name TEXT NOT NULL,
    action   TEXT NOT NULL,
    detail   TEXT NOT NULL,
    by       TEXT NOT NULL
) STRICT;

-- The calls of a key in a day (2026-01-31), a month (2026-01) and a year (2026) in Korea.
CREATE TABLE IF NOT EXISTS call_count (
    key_id TEXT NOT NULL,
    period TEXT NOT NULL,
    calls  INTEGER NOT NULL CHECK (calls >= 0),
    PRIMARY KEY (key_id, period)
) STRICT, WITHOUT ROWID;

-- The calls in flight of keys that limit them. A lease contains the time when it expires.
CREATE TABLE IF NOT EXISTS call_lease (
    key_id TEXT NOT NULL,
    lease  TEXT NOT NULL,
    PRIMARY KEY (key_id, lease)
) STRICT, WITHOUT ROWID;

-- When the next call of a key is due, for keys that have a rate; microseconds since 1970.
CREATE TABLE IF NOT EXISTS call_pace (
    key_id TEXT PRIMARY KEY,
    due_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Distinct addresses per key and keys per address, until when each counts; seconds since 1970.
CREATE TABLE IF NOT EXISTS sighting (
    subject    TEXT NOT NULL,
    other      TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (subject, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sighting_by_expiry ON sighting (expires_at);

-- Not WITHOUT ROWID: appended rows hardly ever move to another page, and secure_delete overwrites
-- a row only where it is, not where it was before it moved.
CREATE TABLE IF NOT EXISTS face_group (
    tenant        TEXT NOT NULL,
    group_id      TEXT NOT NULL,
    generation    TEXT NOT NULL UNIQUE,
    model_version TEXT NOT NULL,
    created_at    TEXT NOT NULL, -- ISO 8601, UTC
    wrapped_key   BLOB NOT NULL,
    face_count    INTEGER NOT NULL CHECK (face_count >= 0),
    last_change   INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id)
) STRICT;

-- A removed face stays as a tombstone: generation, face_id and change, the rest NULL.
-- Rows are appended, so neighbouring changes of a group are near each other in the file.
CREATE TABLE IF NOT EXISTS face (
    generation        TEXT NOT NULL,
    face_id           TEXT NOT NULL,
    change            INTEGER NOT NULL,
    image_id          TEXT,
    external_image_id TEXT,
    x1                REAL,
    y1                REAL,
    x2                REAL,
    y2                REAL,
    confidence        REAL,
    sealed_vector     BLOB,
    PRIMARY KEY (generation, face_id)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS face_by_change ON face (generation, change);
CREATE INDEX IF NOT EXISTS live_face_by_change ON face (generation, change)
    WHERE sealed_vector IS NOT NULL;
CREATE INDEX IF NOT EXISTS labelled_face ON face (generation, external_image_id)
    WHERE external_image_id IS NOT NULL;

-- Generations of deleted groups whose faces are still to be deleted.
CREATE TABLE IF NOT EXISTS purge (
    generation TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- A person that a company has enrolled; a new enrolment changes the row in its place.
CREATE TABLE IF NOT EXISTS person (
    tenant        TEXT NOT NULL,
    company       TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    generation    TEXT NOT NULL,
    model_version TEXT NOT NULL,
    enrolled_at   TEXT NOT NULL, -- ISO 8601, UTC
    wrapped_key   BLOB NOT NULL,
    sealed_vector BLOB NOT NULL,
    PRIMARY KEY (tenant, company, user_id)
) STRICT;
