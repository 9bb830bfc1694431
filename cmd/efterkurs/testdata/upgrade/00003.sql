-- What the third migration's binary knew besides: who deals with a reply, and a workspace that removed the app.

UPDATE replies SET assigned_id = 1, assigned_at = 1946715000000, urgent = TRUE WHERE state = 'inbox';
INSERT INTO workspaces (team_id, name, token, installed_at, lost_at, lost_reason, updated_at)
    VALUES ('T0NORDFALD', 'Nordfald', '', 1946000000000, 1946500000000, 'app_uninstalled', 1946500000000);
