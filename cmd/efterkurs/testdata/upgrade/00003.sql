-- What the third migration's binary knew besides: a workspace of a company, and who deals with a text.

INSERT INTO workspaces (team_id, name, token, installed_at, updated_at) VALUES ('T0NORDFALD', 'Nordfald', '', 1946000000000, 1946000000000);
UPDATE companies SET workspace_id = 1 WHERE name = 'Nordfald';
UPDATE replies SET assigned_id = 1, assigned_at = 1946716000000 WHERE state = 'inbox';
