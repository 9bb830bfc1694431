-- What the third migration's binary knew besides: a workspace that a company had lost.

INSERT INTO workspaces (team_id, name, token, installed_at, lost_at, lost_reason, updated_at)
VALUES ('T0NORDFALD', 'Nordfald', '', 1946000000000, 1946500000000, 'app_uninstalled', 1946500000000);
UPDATE companies SET workspace_id = (SELECT id FROM workspaces WHERE team_id = 'T0NORDFALD') WHERE name = 'Nordfald';
