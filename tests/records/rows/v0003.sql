INSERT INTO orders (order_id, merchant_id, buyer_ref) VALUES ('O-88', 'M-7', 'B-5'), ('O-89', NULL, NULL);
INSERT INTO order_lines (order_id, order_line_id, quantity, paid_minor, currency, told_by, told_at) VALUES
  ('O-88', 'L1', 2, 12900, 'CNY', 'C-1', '2024-02-01 02:00:05.000000');
INSERT INTO tenders (order_id, order_line_id, tender, paid_minor) VALUES
  ('O-88', 'L1', 'cash', 10000),
  ('O-88', 'L1', 'points', 2900);
INSERT INTO reservations (case_id, order_id, owner, kind, reserved_at, closed_at) VALUES
  ('C-1', 'O-88', 'run-1', 'return', '2024-02-01 02:00:05.000000', '2024-02-01 02:02:05.000000'),
  ('C-2', 'O-88', 'run-2', 'refund', '2024-02-01 02:00:05.000000', NULL);
INSERT INTO reserved_lines (case_id, order_line_id, order_id, quantity, amount_minor, attempts) VALUES
  ('C-1', 'L1', 'O-88', 1, 6450, 1),
  ('C-2', 'L1', 'O-88', 1, 6450, 1);
INSERT INTO instructions (key, case_id, order_id, purpose, n, amount_minor, currency, tender, lines, state, instructed_at,
    settled_at, provider_ref, reason) VALUES
  ('case/C-1/refund/1', 'C-1', 'O-88', 'refund', 1, 6450, 'CNY', NULL, 'L1=6450', 'failed',
   '2024-02-01 02:01:05.000000', '2024-02-01 02:01:06.000000', NULL, 'card closed'),
  ('case/C-1/refund/2', 'C-1', 'O-88', 'refund', 2, 6450, 'CNY', 'wallet', 'L1=6450', 'succeeded',
   '2024-02-01 02:02:05.000000', '2024-02-01 02:02:06.000000', 'P-1', NULL);
INSERT INTO allocations (key, order_line_id, tender, amount_minor) VALUES
  ('case/C-1/refund/1', 'L1', 'cash', 5000),
  ('case/C-1/refund/1', 'L1', 'points', 1450),
  ('case/C-1/refund/2', 'L1', 'cash', 5000),
  ('case/C-1/refund/2', 'L1', 'points', 1450);
INSERT INTO attempts (key, attempt, began_at, ended_at, outcome) VALUES
  ('case/C-1/refund/1', 1, '2024-02-01 02:01:05.000000', '2024-02-01 02:01:06.000000', 'declined'),
  ('case/C-1/refund/2', 1, '2024-02-01 02:02:05.000000', NULL, NULL),
  ('case/C-1/refund/2', 2, '2024-02-01 02:02:06.000000', '2024-02-01 02:02:06.000000', 'succeeded');
INSERT INTO chargebacks (order_id, reference, reason, frozen_at, lifted_at) VALUES
  ('O-89', 'CB-1', 'not recognised', '2024-02-01 02:00:05.000000', '2024-02-01 02:00:06.000000'),
  ('O-89', 'CB-2', 'not received', '2024-02-02 02:00:05.000000', NULL);
INSERT INTO erasures (digest, salt, cases, orders, last_closed_at, erased_at) VALUES
  ('9d5f6b9c', '00ff', 1, 1, '2024-02-01 02:02:05.000000', '2024-03-01 02:02:05.000000');
