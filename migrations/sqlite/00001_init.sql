-- Instants are Unix milliseconds in UTC, 0 = none. Days are text such as 2026-11-23, '' = none. What is a
-- list or a map in Go is JSON text. References are NULL where there is nobody. Words are compared without
-- case through a *_key column that Go has lowered: SQLite's lower() knows ASCII only.

-- +goose Up
CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    email          TEXT NOT NULL UNIQUE, -- in lower case
    name           TEXT NOT NULL,
    role           TEXT NOT NULL CHECK (role IN ('admin', 'consultant', 'teacher')),
    language       TEXT NOT NULL DEFAULT '',
    password_hash  TEXT NOT NULL DEFAULT '',
    calendar_token TEXT NOT NULL UNIQUE,
    disabled_at    BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);

-- Everybody who is written to on a phone: participants and company contacts, once in the whole school.
CREATE TABLE persons (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    person_key    TEXT NOT NULL UNIQUE, -- tel:+45…, else mail:…, else slack:…; erased:<id>
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL,
    phone         TEXT NOT NULL DEFAULT '',
    email         TEXT NOT NULL DEFAULT '', -- in lower case
    slack_id      TEXT NOT NULL DEFAULT '',
    channel       TEXT NOT NULL DEFAULT '',
    language      TEXT NOT NULL DEFAULT '',
    easy          BOOLEAN NOT NULL DEFAULT FALSE,
    shift         TEXT NOT NULL DEFAULT '',
    window_from   INTEGER NOT NULL DEFAULT 0, -- minutes after midnight
    window_to     INTEGER NOT NULL DEFAULT 0,
    opted_out_at  BIGINT NOT NULL DEFAULT 0,
    paused_until  BIGINT NOT NULL DEFAULT 0,
    address_fault TEXT NOT NULL DEFAULT '',
    erased_at     BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX persons_phone ON persons (phone) WHERE phone <> '';
CREATE INDEX persons_email ON persons (email) WHERE email <> '';
CREATE INDEX persons_slack ON persons (slack_id) WHERE slack_id <> '';
CREATE INDEX persons_name ON persons (name_key);
CREATE INDEX persons_fault ON persons (id) WHERE address_fault <> '';

CREATE TABLE companies (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL UNIQUE,
    window_from   INTEGER NOT NULL DEFAULT 0,
    window_to     INTEGER NOT NULL DEFAULT 0,
    closed_weeks  TEXT NOT NULL,
    contact_id    BIGINT REFERENCES persons (id),
    consultant_id BIGINT REFERENCES users (id),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX companies_contact ON companies (contact_id);
CREATE INDEX companies_consultant ON companies (consultant_id);

CREATE TABLE classes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    course     TEXT NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    start_date TEXT NOT NULL,
    end_date   TEXT NOT NULL,
    weekday    INTEGER NOT NULL DEFAULT 0, -- 1 Monday … 6 Saturday, 0 = none chosen
    teacher_id BIGINT REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (course, name_key)
);
CREATE INDEX classes_end ON classes (end_date);
CREATE INDEX classes_teacher ON classes (teacher_id);

-- A participant on a class. It is dirty, and planned anew, while the two versions differ.
CREATE TABLE enrolments (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id       BIGINT NOT NULL REFERENCES persons (id),
    class_id        BIGINT NOT NULL REFERENCES classes (id),
    company_id      BIGINT NOT NULL REFERENCES companies (id),
    team            TEXT NOT NULL DEFAULT '',
    goal            TEXT NOT NULL DEFAULT '',
    basis           TEXT NOT NULL DEFAULT '' CHECK (basis IN ('', 'consent', 'legitimate')),
    basis_at        BIGINT NOT NULL DEFAULT 0,  -- when the basis was recorded
    basis_version   TEXT NOT NULL DEFAULT '',   -- of the texts that were in force then
    roster_key      TEXT NOT NULL DEFAULT '',   -- the person's key in the roster's last row
    roster_row      TEXT NOT NULL DEFAULT '',   -- what that row said of the person, as JSON
    plan_version    BIGINT NOT NULL DEFAULT 1,
    planned_version BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (class_id, person_id)
);
CREATE INDEX enrolments_dirty ON enrolments (id) WHERE plan_version <> planned_version;
CREATE INDEX enrolments_person ON enrolments (person_id);
CREATE INDEX enrolments_company ON enrolments (company_id, class_id);

-- The talk at the company, one for each company of a class. No two booked ones of a consultant overlap:
-- store/visit.go locks the consultant's row (PostgreSQL) or is the only writer (SQLite) and looks.
CREATE TABLE visits (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id      BIGINT NOT NULL REFERENCES classes (id),
    company_id    BIGINT NOT NULL REFERENCES companies (id),
    consultant_id BIGINT REFERENCES users (id),
    teacher_id    BIGINT REFERENCES users (id),
    state         TEXT NOT NULL CHECK (state IN ('planned', 'proposed', 'booked', 'held', 'cancelled', 'unplaced')),
    earliest      TEXT NOT NULL,
    slots         TEXT NOT NULL DEFAULT '[]',
    slots_until   BIGINT NOT NULL DEFAULT 0, -- the last slot's start
    round         INTEGER NOT NULL DEFAULT 0,
    start_at      BIGINT NOT NULL DEFAULT 0,
    end_at        BIGINT NOT NULL DEFAULT 0,
    uid           TEXT NOT NULL UNIQUE,
    sequence      INTEGER NOT NULL DEFAULT 0,
    proposed_at   BIGINT NOT NULL DEFAULT 0,
    updated_at    BIGINT NOT NULL,
    UNIQUE (class_id, company_id)
);
CREATE INDEX visits_consultant ON visits (consultant_id, start_at);
CREATE INDEX visits_company ON visits (company_id);
CREATE INDEX visits_open ON visits (id) WHERE state IN ('proposed', 'booked');

-- One outgoing text. (subject, step) is what it is for: planning it again finds the key taken.
CREATE TABLE messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subject         TEXT NOT NULL,
    step            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    week            INTEGER NOT NULL DEFAULT 0,
    person_id       BIGINT REFERENCES persons (id),
    user_id         BIGINT REFERENCES users (id),
    enrolment_id    BIGINT REFERENCES enrolments (id),
    company_id      BIGINT REFERENCES companies (id),
    class_id        BIGINT REFERENCES classes (id),
    visit_id        BIGINT REFERENCES visits (id),
    question_id     BIGINT,
    params          TEXT NOT NULL DEFAULT '',
    priority        INTEGER NOT NULL,
    due_at          BIGINT NOT NULL,
    run_at          BIGINT NOT NULL,
    valid_until     BIGINT NOT NULL DEFAULT 0,
    state           TEXT NOT NULL CHECK (state IN ('planned', 'claimed', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered', 'failed', 'skipped')),
    reason          TEXT NOT NULL DEFAULT '',
    worker          TEXT NOT NULL DEFAULT '',
    lease_until     BIGINT NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    resend          BOOLEAN NOT NULL DEFAULT FALSE,
    day             TEXT NOT NULL DEFAULT '', -- of an exercise: the day it was begun on
    channel         TEXT NOT NULL DEFAULT '',
    address         TEXT NOT NULL DEFAULT '',
    body            TEXT NOT NULL DEFAULT '',
    choices         TEXT NOT NULL DEFAULT '',
    provider_id     TEXT NOT NULL DEFAULT '',
    provider_status TEXT NOT NULL DEFAULT '',
    error_code      TEXT NOT NULL DEFAULT '',
    sent_at         BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (subject, step)
);
-- The claim's: it holds only what is still to come.
CREATE INDEX messages_due ON messages (priority, run_at, id) WHERE state = 'planned';
CREATE INDEX messages_lease ON messages (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX messages_unknown ON messages (updated_at) WHERE state = 'unknown';
CREATE INDEX messages_trouble ON messages (id) WHERE state IN ('unknown', 'undelivered', 'failed');
CREATE INDEX messages_person ON messages (person_id, id);
CREATE INDEX messages_user ON messages (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX messages_enrolment ON messages (enrolment_id) WHERE enrolment_id IS NOT NULL;
CREATE INDEX messages_provider ON messages (provider_id) WHERE provider_id <> '';
CREATE INDEX messages_day ON messages (person_id, day) WHERE day <> '';

CREATE TABLE attempts (
    message_id  BIGINT NOT NULL REFERENCES messages (id),
    number      INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    outcome     TEXT NOT NULL DEFAULT '', -- '' while nobody knows it
    provider_id TEXT NOT NULL DEFAULT '',
    code        TEXT NOT NULL DEFAULT '',
    detail      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, number)
);
CREATE INDEX attempts_provider ON attempts (provider_id) WHERE provider_id <> '';

CREATE TABLE replies (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    channel      TEXT NOT NULL,
    provider_id  TEXT NOT NULL,
    from_address TEXT NOT NULL,
    to_address   TEXT NOT NULL DEFAULT '',
    body         TEXT NOT NULL DEFAULT '',
    question_id  BIGINT, -- as the reply claims: not a reference
    media        TEXT NOT NULL DEFAULT '',
    opt_out      TEXT NOT NULL DEFAULT '',
    attributes   TEXT NOT NULL DEFAULT '',
    at           BIGINT NOT NULL,
    person_id    BIGINT REFERENCES persons (id),
    state        TEXT NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'handled', 'inbox')),
    kind         TEXT NOT NULL DEFAULT '',
    why          TEXT NOT NULL DEFAULT '',
    handled_at   BIGINT NOT NULL DEFAULT 0,
    UNIQUE (channel, provider_id)
);
CREATE INDEX replies_received ON replies (id) WHERE state = 'received';
CREATE INDEX replies_inbox ON replies (id) WHERE state = 'inbox';
CREATE INDEX replies_person ON replies (person_id, id);

-- All answers are kept; the last one to a question counts.
CREATE TABLE answers (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    question_id  BIGINT NOT NULL REFERENCES messages (id),
    enrolment_id BIGINT REFERENCES enrolments (id),
    person_id    BIGINT REFERENCES persons (id),
    reply_id     BIGINT NOT NULL REFERENCES replies (id),
    step         TEXT NOT NULL,
    digit        TEXT NOT NULL, -- '' = words about the step, which answer nothing
    meaning      TEXT NOT NULL DEFAULT '',
    at           BIGINT NOT NULL
);
CREATE INDEX answers_question ON answers (question_id, id);
CREATE INDEX answers_enrolment ON answers (enrolment_id, step, id);
CREATE INDEX answers_reply ON answers (reply_id);
CREATE INDEX answers_person ON answers (person_id);

-- Keyed hashes of addresses that said STOP. They outlive the person's erasure.
CREATE TABLE suppressions (
    hash TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);

CREATE TABLE buddy_groups (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id BIGINT NOT NULL REFERENCES companies (id),
    why        TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
);
CREATE INDEX buddy_groups_company ON buddy_groups (company_id);

CREATE TABLE buddy_members (
    enrolment_id BIGINT PRIMARY KEY REFERENCES enrolments (id), -- one group each
    group_id     BIGINT NOT NULL REFERENCES buddy_groups (id),
    person_id    BIGINT NOT NULL REFERENCES persons (id),
    starter      BOOLEAN NOT NULL DEFAULT FALSE,
    joined_at    BIGINT NOT NULL,
    left_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX buddy_members_group ON buddy_members (group_id);
CREATE INDEX buddy_members_person ON buddy_members (person_id);

CREATE TABLE sessions (
    token      TEXT PRIMARY KEY,
    data       BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE ticks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at BIGINT NOT NULL,
    took_ms    BIGINT NOT NULL,
    worker     TEXT NOT NULL,
    counts     TEXT NOT NULL,
    error      TEXT NOT NULL DEFAULT ''
);

CREATE TABLE channels (
    channel         TEXT PRIMARY KEY,
    next_at         BIGINT NOT NULL DEFAULT 0, -- the line's end: the next free place
    throttled_until BIGINT NOT NULL DEFAULT 0,
    halted_at       BIGINT NOT NULL DEFAULT 0,
    halted_reason   TEXT NOT NULL DEFAULT ''
);

-- Copies at providers of what was erased here, still to be deleted there.
CREATE TABLE erasures (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    channel     TEXT NOT NULL,
    address     TEXT NOT NULL DEFAULT '',
    provider_id TEXT NOT NULL,
    not_before  BIGINT NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    UNIQUE (channel, provider_id)
);
CREATE INDEX erasures_due ON erasures (not_before);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE settings;
DROP TABLE erasures;
DROP TABLE channels;
DROP TABLE ticks;
DROP TABLE sessions;
DROP TABLE buddy_members;
DROP TABLE buddy_groups;
DROP TABLE suppressions;
DROP TABLE answers;
DROP TABLE replies;
DROP TABLE attempts;
DROP TABLE messages;
DROP TABLE visits;
DROP TABLE enrolments;
DROP TABLE classes;
DROP TABLE companies;
DROP TABLE persons;
DROP TABLE users;
