-- What came of a visit: reminders/outcome.go.

-- +goose Up
CREATE TABLE visit_outcomes (
    visit_id     BIGINT PRIMARY KEY REFERENCES visits (id),
    version      INTEGER NOT NULL, -- rises with every save: of two who save at once the second is told
    held         BOOLEAN NOT NULL,
    met          TEXT NOT NULL DEFAULT '',
    used         TEXT NOT NULL DEFAULT '',
    unused       TEXT NOT NULL DEFAULT '',
    barriers     TEXT NOT NULL DEFAULT '', -- kinds, as JSON
    next_contact TEXT NOT NULL DEFAULT '', -- a day; '' = none
    note         TEXT NOT NULL DEFAULT '',
    tell         BOOLEAN NOT NULL DEFAULT FALSE,
    agreed       TEXT NOT NULL DEFAULT '', -- what the participants are told
    saved_by     BIGINT REFERENCES users (id),
    saved_at     BIGINT NOT NULL
);

CREATE TABLE visit_steps (
    visit_id BIGINT NOT NULL REFERENCES visits (id),
    position INTEGER NOT NULL,
    what     TEXT NOT NULL,
    who      TEXT NOT NULL DEFAULT '',
    by_date  TEXT NOT NULL DEFAULT '', -- a day; '' = none
    PRIMARY KEY (visit_id, position)
);

-- +goose Down
DROP TABLE visit_steps;
DROP TABLE visit_outcomes;
