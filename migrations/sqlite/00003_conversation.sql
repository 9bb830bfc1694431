-- Everything a person may answer, and who answers it: bot/interpret.go.

-- +goose Up
-- Whether they want to be left alone was asked and is not answered: nothing else is sent until it is. 0 = not asked.
ALTER TABLE persons ADD COLUMN doubt_at BIGINT NOT NULL DEFAULT 0;
-- The Slack workspace that slack_id is of; '' = not known, or the only one there is.
ALTER TABLE persons ADD COLUMN slack_team TEXT NOT NULL DEFAULT '';

-- Who deals with what waits for a person, and whether it cannot wait.
ALTER TABLE replies ADD COLUMN assigned_id BIGINT REFERENCES users (id);
ALTER TABLE replies ADD COLUMN assigned_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE replies ADD COLUMN urgent BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE replies ADD COLUMN answered_at BIGINT NOT NULL DEFAULT 0;  -- when a person first wrote back; 0 = nobody has
ALTER TABLE replies ADD COLUMN withdrawn_at BIGINT NOT NULL DEFAULT 0; -- when its writer deleted it (Slack): its words are shown no more
-- Nothing is sent to who has written something that could not be interpreted: each sending asks.
CREATE INDEX replies_unread ON replies (from_address) WHERE state = 'received';

CREATE INDEX replies_dealt ON replies (handled_at, id) WHERE assigned_id IS NOT NULL AND state = 'handled'; -- by a person, not by a rule
CREATE INDEX replies_nobody ON replies (channel, from_address, id) WHERE person_id IS NULL;

-- An answer that a person placed elsewhere counts no more; it is kept.
ALTER TABLE answers ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;

-- Who wrote a text that no rule wrote.
ALTER TABLE messages ADD COLUMN author_id BIGINT REFERENCES users (id);

-- Slack workspaces that the app is installed into. Two companies of one group may share one.
CREATE TABLE workspaces (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id      TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL DEFAULT '',
    bot_user_id  TEXT NOT NULL DEFAULT '',
    token        TEXT NOT NULL, -- sealed with EFTERKURS_SECRET; '' = lost
    scopes       TEXT NOT NULL DEFAULT '',
    installed_at BIGINT NOT NULL,
    lost_at      BIGINT NOT NULL DEFAULT 0, -- uninstalled, or the token revoked
    lost_reason  TEXT NOT NULL DEFAULT '',
    updated_at   BIGINT NOT NULL
);
ALTER TABLE companies ADD COLUMN workspace_id BIGINT REFERENCES workspaces (id); -- NULL = the single one, if any
CREATE INDEX companies_workspace ON companies (workspace_id) WHERE workspace_id IS NOT NULL;

-- By which workspace a text left, and where a copy of an erased one is; '' = the single one.
ALTER TABLE messages ADD COLUMN workspace TEXT NOT NULL DEFAULT '';
ALTER TABLE erasures ADD COLUMN workspace TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE erasures DROP COLUMN workspace;
ALTER TABLE messages DROP COLUMN workspace;
DROP INDEX companies_workspace;
ALTER TABLE companies DROP COLUMN workspace_id;
DROP TABLE workspaces;
ALTER TABLE messages DROP COLUMN author_id;
ALTER TABLE answers DROP COLUMN moved_at;
DROP INDEX replies_unread;
DROP INDEX replies_nobody;
DROP INDEX replies_dealt;
ALTER TABLE replies DROP COLUMN withdrawn_at;
ALTER TABLE replies DROP COLUMN answered_at;
ALTER TABLE replies DROP COLUMN urgent;
ALTER TABLE replies DROP COLUMN assigned_at;
ALTER TABLE replies DROP COLUMN assigned_id;
ALTER TABLE persons DROP COLUMN slack_team;
ALTER TABLE persons DROP COLUMN doubt_at;
