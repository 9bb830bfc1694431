-- What the second migration's binary knew besides: where it had listened to, a decision about a lost outcome, a
-- machine, and a text of a database that a backup took the place of.

UPDATE channels SET swept_until = 1946716100000, filtered = 2 WHERE channel = 'sms';
INSERT INTO channels (channel, swept_until, missed_since) VALUES ('slack', 1946716000000, 1946716050000) ON CONFLICT (channel) DO UPDATE
    SET swept_until = excluded.swept_until, missed_since = excluded.missed_since;
UPDATE attempts SET decision = 'found' WHERE outcome = 'accepted';
UPDATE persons SET muted_at = 1946700000000 WHERE name = 'Finn Dahl';
INSERT INTO strays (channel, provider_id, hash, at) VALUES ('sms', 'SM00000000000000000000000000000077', 'a hash under a key nobody has', 1946716000000);
