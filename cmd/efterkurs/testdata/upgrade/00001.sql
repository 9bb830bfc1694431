-- A school on Tuesday 9 September 2031 at half past twelve in Denmark (1946716200000), a week after its class,
-- with a message in every state. Ids are given by the database in this order, from 1.

INSERT INTO users (email, name, role, language, password_hash, calendar_token, created_at, updated_at)
VALUES ('mette@skolen.example', 'Mette Holm', 'consultant', 'da', '', 'calendar-of-mette', 1946000000000, 1946000000000);

INSERT INTO persons (person_key, name, name_key, phone, channel, language, window_from, window_to, opted_out_at, created_at, updated_at) VALUES
    ('tel:+4520140001', 'Ali Dahl', 'ali dahl', '+4520140001', 'sms', 'da', 0, 0, 0, 1946000000000, 1946000000000),
    ('tel:+4520140002', 'Bo Dahl', 'bo dahl', '+4520140002', 'sms', 'da', 0, 0, 0, 1946000000000, 1946000000000),
    ('tel:+4520140003', 'Carl Dahl', 'carl dahl', '+4520140003', 'sms', 'en', 0, 0, 0, 1946000000000, 1946000000000),
    ('tel:+4520140004', 'Dora Dahl', 'dora dahl', '+4520140004', 'sms', 'da', 0, 0, 1946500000000, 1946000000000, 1946500000000),
    ('tel:+4520140005', 'Eva Dahl', 'eva dahl', '+4520140005', 'sms', '', 720, 1200, 0, 1946000000000, 1946000000000),
    ('tel:+4520140006', 'Finn Dahl', 'finn dahl', '+4520140006', 'sms', 'da', 0, 0, 0, 1946000000000, 1946000000000),
    ('tel:+4520140007', 'Gerda Dahl', 'gerda dahl', '+4520140007', 'sms', 'da', 0, 0, 0, 1946000000000, 1946000000000);

INSERT INTO companies (name, name_key, closed_weeks, consultant_id, created_at, updated_at)
VALUES ('Nordfald', 'nordfald', '[29,30,31]', 1, 1946000000000, 1946000000000);

INSERT INTO classes (course, name, name_key, start_date, end_date, created_at, updated_at)
VALUES ('5s', 'Hold 7', 'hold 7', '2031-09-01', '2031-09-02', 1946000000000, 1946000000000);

-- Ali is to be planned again; the others are planned.
INSERT INTO enrolments (person_id, class_id, company_id, team, goal, basis, basis_at, basis_version, roster_key, roster_row, plan_version, planned_version, created_at, updated_at) VALUES
    (1, 1, 1, 'A', 'orden ved pressen', 'legitimate', 1946000000000, '1', 'tel:+4520140001', '', 2, 1, 1946000000000, 1946000000000),
    (2, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000),
    (3, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000),
    (4, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000),
    (5, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000),
    (6, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000),
    (7, 1, 1, '', '', '', 0, '', '', '', 1, 1, 1946000000000, 1946000000000);

INSERT INTO visits (class_id, company_id, consultant_id, state, earliest, uid, updated_at)
VALUES (1, 1, 1, 'planned', '2031-11-02', 'visit-1@efterkurs', 1946000000000);

-- Everybody has had the welcome, a week ago.
INSERT INTO messages (subject, step, kind, person_id, enrolment_id, company_id, class_id, priority, due_at, run_at, valid_until,
    state, attempts, channel, address, body, provider_status, sent_at, created_at, updated_at)
SELECT 'enrolment/' || e.id, 'welcome', 'welcome', e.person_id, e.id, 1, 1, 2, 1946109600000, 1946109600000, 1946124000000,
    'delivered', 1, 'sms', p.phone, 'Velkommen ' || p.name || '. Svar STOP for at slippe.', 'delivered', 1946109700000, 1946000000000, 1946109800000
FROM enrolments AS e JOIN persons AS p ON p.id = e.person_id ORDER BY e.id;

-- Exercise 1, due at noon today: planned, in a dead worker's hands (begun; taken or not; merely claimed),
-- planned for somebody who said STOP and for somebody whose STOP is not read yet, and sent.
INSERT INTO messages (subject, step, kind, week, person_id, enrolment_id, company_id, class_id, priority, due_at, run_at, valid_until,
    state, worker, lease_until, attempts, day, channel, address, body, choices, sent_at, created_at, updated_at) VALUES
    ('enrolment/1', 'exercise-1', 'exercise', 1, 1, 1, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'planned', '', 0, 0, '', '', '', '', '', 0, 1946000000000, 1946000000000),
    ('enrolment/2', 'exercise-1', 'exercise', 1, 2, 2, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'sending', 'dead-1', 1946715000000, 1, '2031-09-09', 'sms', '+4520140002', 'Bos opgave. 1 ja 2 nej', '[{"digit":"1","label":"ja","meaning":"yes"},{"digit":"2","label":"nej","meaning":"no"}]', 0, 1946000000000, 1946714800000),
    ('enrolment/3', 'exercise-1', 'exercise', 1, 3, 3, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'unknown', 'dead-1', 0, 1, '2031-09-09', 'sms', '+4520140003', 'Carls opgave. 1 ja 2 nej', '[{"digit":"1","label":"ja","meaning":"yes"},{"digit":"2","label":"nej","meaning":"no"}]', 0, 1946000000000, 1946714800000),
    ('enrolment/4', 'exercise-1', 'exercise', 1, 4, 4, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'planned', '', 0, 0, '', '', '', '', '', 0, 1946000000000, 1946000000000),
    ('enrolment/5', 'exercise-1', 'exercise', 1, 5, 5, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'planned', '', 0, 0, '', '', '', '', '', 0, 1946000000000, 1946000000000),
    ('enrolment/6', 'exercise-1', 'exercise', 1, 6, 6, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'claimed', 'dead-1', 1946715000000, 0, '', '', '', '', '', 0, 1946000000000, 1946714800000),
    ('enrolment/7', 'exercise-1', 'exercise', 1, 7, 7, 1, 1, 2, 1946714400000, 1946714400000, 1946728800000, 'sent', 'dead-1', 0, 1, '2031-09-09', 'sms', '+4520140007', 'Gerdas opgave. 1 ja 2 nej', '[{"digit":"1","label":"ja","meaning":"yes"},{"digit":"2","label":"nej","meaning":"no"}]', 1946714800000, 1946000000000, 1946714900000);

INSERT INTO messages (subject, step, kind, week, person_id, enrolment_id, company_id, class_id, priority, due_at, run_at, valid_until, state, reason, created_at, updated_at) VALUES
    ('enrolment/4', 'exercise-2', 'exercise', 2, 4, 4, 1, 1, 2, 1947319200000, 1947319200000, 1947333600000, 'skipped', 'opted out', 1946000000000, 1946500000000),
    ('enrolment/7', 'nudge-1', 'nudge', 1, 7, 7, 1, 1, 2, 1946887200000, 1946887200000, 1946901600000, 'planned', '', 1946000000000, 1946000000000);

INSERT INTO attempts (message_id, number, worker, started_at, ended_at, outcome)
SELECT m.id, 1, 'dead-1', CASE WHEN m.step = 'welcome' THEN 1946109700000 ELSE 1946714800000 END,
    CASE WHEN m.state = 'sending' THEN 0 ELSE 1946714801000 END,
    CASE WHEN m.state = 'sending' THEN '' WHEN m.state = 'unknown' THEN 'unknown' ELSE 'accepted' END
FROM messages AS m WHERE m.attempts = 1 ORDER BY m.id;

-- Gerda has answered; Eva's STOP was stored and its worker died.
INSERT INTO replies (channel, provider_id, from_address, to_address, body, at, person_id, state, kind, why, handled_at) VALUES
    ('sms', 'SM00000000000000000000000000000001', '+4520140007', '+4552512345', '1', 1946715000000, 7, 'handled', 'answer', 'the digit 1', 1946715000000),
    ('sms', 'SM00000000000000000000000000000002', '+4520140005', '+4552512345', 'Stop', 1946715500000, NULL, 'received', '', '', 0);

INSERT INTO answers (question_id, enrolment_id, person_id, reply_id, step, digit, meaning, at)
SELECT m.id, 7, 7, 1, 'exercise-1', '1', 'yes', 1946715000000 FROM messages AS m WHERE m.subject = 'enrolment/7' AND m.step = 'exercise-1';

INSERT INTO suppressions (hash, at) VALUES ('a hash of Dora''s number under a key nobody has', 1946500000000);
INSERT INTO buddy_groups (company_id, why, created_at) VALUES (1, 'same class', 1946600000000);
INSERT INTO buddy_members (enrolment_id, group_id, person_id, starter, joined_at) VALUES (1, 1, 1, TRUE, 1946600000000), (2, 1, 2, FALSE, 1946600000000);
INSERT INTO ticks (started_at, took_ms, worker, counts) VALUES (1946714700000, 120, 'dead-1', '{"planned":7}');
INSERT INTO channels (channel, next_at) VALUES ('sms', 1946714801000);
INSERT INTO erasures (channel, provider_id, not_before, created_at) VALUES ('sms', 'SM00000000000000000000000000000009', 1946714700000, 1946714600000);
INSERT INTO settings (key, value) VALUES ('kept', 'as it was');
