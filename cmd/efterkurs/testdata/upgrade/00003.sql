-- What the third migration's binary knew besides: who deals with a reply, a text of a consultant's own, a workspace.

UPDATE persons SET doubt_at = 0, slack_team = '' WHERE name = 'Ali Dahl';
UPDATE replies SET assigned_id = 1, assigned_at = 1946715100000, answered_at = 1946715200000 WHERE provider_id = 'SM00000000000000000000000000000001';
INSERT INTO workspaces (team_id, name, token, installed_at, updated_at) VALUES ('T0NORDFALD', 'Nordfald', '', 1946700000000, 1946700000000);
