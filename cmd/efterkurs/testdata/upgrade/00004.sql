-- What the fourth migration's binary knew besides: a draft of a buddy group, two who are not to be buddies, and somebody who has
-- agreed to their buddy having their number.

INSERT INTO buddy_groups (company_id, why, created_at, published_at) VALUES (1, 'same class', 1946700000000, 0);
INSERT INTO buddy_members (enrolment_id, group_id, person_id, starter, joined_at) VALUES (6, 2, 6, TRUE, 1946700000000), (7, 2, 7, FALSE, 1946700000000);
UPDATE buddy_members SET shared_at = 1946710000000 WHERE enrolment_id = 1;
INSERT INTO buddy_blocks (person_id, other_id, user_id, created_at) VALUES (3, 7, 1, 1946700000000);
