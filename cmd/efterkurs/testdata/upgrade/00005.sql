-- What the fifth migration's binary knew besides: a consultant's hours, and when she is taken.

UPDATE users SET hours = 'mon 08:00-15:30,fri 08:00-12:00', postcode = '7400', busy_url = 'https://calendar.example/mette.ics', busy_at = 1946700000000
WHERE email = 'mette@skolen.example';
UPDATE companies SET postcode = '9000' WHERE name = 'Nordfald';
INSERT INTO busy (user_id, from_at, to_at) SELECT id, 1950000000000, 1950003600000 FROM users WHERE email = 'mette@skolen.example';
