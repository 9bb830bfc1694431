-- Invitations to visits, and what becomes of a visit after it was booked: reminders/visitchange.go.

-- +goose Up
-- What whoever called a visit off wrote, for the school alone.
ALTER TABLE visits ADD COLUMN why TEXT NOT NULL DEFAULT '';

-- What somebody's calendar answered to an invitation. All are kept, the latest counts; exactly one of person and user is set.
CREATE TABLE visit_answers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    visit_id  BIGINT NOT NULL REFERENCES visits (id),
    person_id BIGINT REFERENCES persons (id),
    user_id   BIGINT REFERENCES users (id),
    reply_id  BIGINT NOT NULL REFERENCES replies (id),
    sequence  INTEGER NOT NULL, -- of the invitation that is answered
    answer    TEXT NOT NULL CHECK (answer IN ('accepted', 'declined', 'tentative')),
    at        BIGINT NOT NULL,
    UNIQUE (visit_id, reply_id)
);
CREATE INDEX visit_answers_person ON visit_answers (person_id);

-- +goose Down
DROP TABLE visit_answers;
ALTER TABLE visits DROP COLUMN why;
