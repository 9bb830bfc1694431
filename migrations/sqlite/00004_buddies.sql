-- +goose Up
-- A draft of a group is the consultant's to change until it is published; its members hear of it then.
ALTER TABLE buddy_groups ADD COLUMN published_at BIGINT NOT NULL DEFAULT 0; -- 0 = a draft
UPDATE buddy_groups SET published_at = created_at;
CREATE INDEX buddy_groups_drafts ON buddy_groups (company_id) WHERE published_at = 0;

-- Who leaves a group may come into another: one group each at a time, and what was is kept.
CREATE TABLE buddy_members_kept (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    enrolment_id BIGINT NOT NULL REFERENCES enrolments (id),
    group_id     BIGINT NOT NULL REFERENCES buddy_groups (id),
    person_id    BIGINT NOT NULL REFERENCES persons (id),
    starter      BOOLEAN NOT NULL DEFAULT FALSE,
    joined_at    BIGINT NOT NULL,
    left_at      BIGINT NOT NULL DEFAULT 0,
    shared_at    BIGINT NOT NULL DEFAULT 0 -- when they agreed to the others having their number; 0 = they have not
);
INSERT INTO buddy_members_kept (enrolment_id, group_id, person_id, starter, joined_at, left_at)
    SELECT enrolment_id, group_id, person_id, starter, joined_at, left_at FROM buddy_members ORDER BY enrolment_id;
DROP TABLE buddy_members;
ALTER TABLE buddy_members_kept RENAME TO buddy_members;
CREATE UNIQUE INDEX buddy_members_now ON buddy_members (enrolment_id) WHERE left_at = 0;
CREATE INDEX buddy_members_enrolment ON buddy_members (enrolment_id);
CREATE INDEX buddy_members_group ON buddy_members (group_id);
CREATE INDEX buddy_members_person ON buddy_members (person_id);

-- Two who are not to be buddies, whatever the weights say.
CREATE TABLE buddy_blocks (
    person_id  BIGINT NOT NULL REFERENCES persons (id), -- the smaller id
    other_id   BIGINT NOT NULL REFERENCES persons (id),
    user_id    BIGINT REFERENCES users (id), -- who said so
    created_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, other_id)
);
CREATE INDEX buddy_blocks_other ON buddy_blocks (other_id);

-- +goose Down
DROP TABLE buddy_blocks;
DELETE FROM buddy_members WHERE left_at > 0;
CREATE TABLE buddy_members_one (
    enrolment_id BIGINT PRIMARY KEY REFERENCES enrolments (id),
    group_id     BIGINT NOT NULL REFERENCES buddy_groups (id),
    person_id    BIGINT NOT NULL REFERENCES persons (id),
    starter      BOOLEAN NOT NULL DEFAULT FALSE,
    joined_at    BIGINT NOT NULL,
    left_at      BIGINT NOT NULL DEFAULT 0
);
INSERT INTO buddy_members_one SELECT enrolment_id, group_id, person_id, starter, joined_at, left_at FROM buddy_members;
DROP TABLE buddy_members;
ALTER TABLE buddy_members_one RENAME TO buddy_members;
CREATE INDEX buddy_members_group ON buddy_members (group_id);
CREATE INDEX buddy_members_person ON buddy_members (person_id);
DROP INDEX buddy_groups_drafts;
ALTER TABLE buddy_groups DROP COLUMN published_at;
