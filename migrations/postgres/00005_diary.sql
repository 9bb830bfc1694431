-- What decides when a visit can be: reminders/slots.go.

-- +goose Up
ALTER TABLE users ADD COLUMN hours TEXT NOT NULL DEFAULT '';          -- such as mon 08:00-15:30,fri 08:00-13:00; '' = the default
ALTER TABLE users ADD COLUMN postcode TEXT NOT NULL DEFAULT '';       -- where they set out from; '' = not known
ALTER TABLE users ADD COLUMN busy_url TEXT NOT NULL DEFAULT '';       -- a calendar (ICS) of when they are taken; '' = none
ALTER TABLE users ADD COLUMN busy_at BIGINT NOT NULL DEFAULT 0;       -- when it was last tried; 0 = never
ALTER TABLE users ADD COLUMN busy_fault TEXT NOT NULL DEFAULT '';     -- what was wrong with it then; '' = nothing
ALTER TABLE companies ADD COLUMN postcode TEXT NOT NULL DEFAULT '';   -- '' = not known

CREATE TABLE busy (
    user_id BIGINT NOT NULL REFERENCES users (id),
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    PRIMARY KEY (user_id, from_at, to_at)
);

-- +goose Down
DROP TABLE busy;
ALTER TABLE companies DROP COLUMN postcode;
ALTER TABLE users DROP COLUMN busy_fault;
ALTER TABLE users DROP COLUMN busy_at;
ALTER TABLE users DROP COLUMN busy_url;
ALTER TABLE users DROP COLUMN postcode;
ALTER TABLE users DROP COLUMN hours;
