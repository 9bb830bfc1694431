-- What the seventh migration's binary knew besides: a visit of an earlier class that was held, and what came of it.

INSERT INTO classes (course, name, name_key, start_date, end_date, created_at, updated_at)
VALUES ('smed', 'Hold 5', 'hold 5', '2031-06-02', '2031-06-03', 1938000000000, 1938000000000);
INSERT INTO visits (class_id, company_id, consultant_id, state, earliest, start_at, end_at, uid, sequence, updated_at)
SELECT c.id, 1, 1, 'held', '2031-08-04', 1944547200000, 1944550800000, 'visit-7@efterkurs', 1, 1944550800000 FROM classes AS c WHERE c.name = 'Hold 5';
INSERT INTO visit_outcomes (visit_id, version, held, met, used, barriers, next_contact, tell, agreed, saved_by, saved_at)
SELECT v.id, 1, TRUE, 'Lederen', 'Tavlen', '["daily_run"]', '2031-09-20', FALSE, '', 1, 1944552000000 FROM visits AS v WHERE v.uid = 'visit-7@efterkurs';
INSERT INTO visit_steps (visit_id, position, what, who, by_date)
SELECT v.id, 1, 'Kroge til tavlen', 'holdlederen', '2031-09-01' FROM visits AS v WHERE v.uid = 'visit-7@efterkurs';
