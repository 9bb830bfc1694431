-- What people wrote while nobody listened is asked of the provider, and so is what left: reminders/sweep.go.

-- +goose Up
ALTER TABLE channels ADD COLUMN swept_until BIGINT NOT NULL DEFAULT 0;  -- everything written before it is taken in; 0 = nobody has looked
ALTER TABLE channels ADD COLUMN missed_since BIGINT NOT NULL DEFAULT 0; -- texts written since then could not be stored; 0 = none
ALTER TABLE channels ADD COLUMN halted_code TEXT NOT NULL DEFAULT '';   -- the provider's
ALTER TABLE channels ADD COLUMN filtered INTEGER NOT NULL DEFAULT 0;    -- texts in a row that operators filtered

-- Until now webhooks alone brought what people wrote; they were listened to as long as somebody ticked.
INSERT INTO channels (channel, swept_until)
    SELECT c.channel, MAX(t.started_at) FROM ticks AS t, (SELECT 'sms' AS channel UNION ALL SELECT 'slack') AS c GROUP BY c.channel
    ON CONFLICT (channel) DO UPDATE SET swept_until = excluded.swept_until;

-- What was decided about an outcome that nobody saw: found, reported, unsent, again, left, earlier.
ALTER TABLE attempts ADD COLUMN decision TEXT NOT NULL DEFAULT '';

-- When a machine began to answer: nothing is said back to it.
ALTER TABLE persons ADD COLUMN muted_at BIGINT NOT NULL DEFAULT 0;

-- Texts that a provider took from us and that no message knows of: the database is a backup that was put back.
-- hash is keyed, over channel, address and text: a message that would say the same again finds that it has left.
CREATE TABLE strays (
    channel     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    hash        TEXT NOT NULL,
    at          BIGINT NOT NULL, -- when it left
    PRIMARY KEY (channel, provider_id)
);
CREATE INDEX strays_hash ON strays (hash);
CREATE INDEX strays_at ON strays (at);

-- The weekly bulk is claimed a class at a time, so that a large class keeps no small one waiting.
CREATE INDEX messages_fair ON messages (class_id, run_at, id) WHERE state = 'planned' AND priority = 2;
CREATE INDEX messages_address ON messages (channel, sent_at) WHERE sent_at > 0;

-- +goose Down
DROP INDEX messages_address;
DROP INDEX messages_fair;
DROP TABLE strays;
ALTER TABLE persons DROP COLUMN muted_at;
ALTER TABLE attempts DROP COLUMN decision;
ALTER TABLE channels DROP COLUMN filtered;
ALTER TABLE channels DROP COLUMN halted_code;
ALTER TABLE channels DROP COLUMN missed_since;
ALTER TABLE channels DROP COLUMN swept_until;
