-- The tables of the embedded backend. Every statement can run again.
CREATE TABLE IF NOT EXISTS api_key (
    key_hash   TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    tenant     TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'blocked')),
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
