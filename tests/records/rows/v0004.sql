INSERT INTO instructions (key, case_id, order_id, purpose, n, amount_minor, currency, tender, lines, state, instructed_at,
    settled_at, provider_ref, reason, payer) VALUES
  ('case/C-3/refund/1', 'C-3', 'O-88', 'refund', 1, 100, 'CNY', NULL, 'L1=100', 'failed',
   '2024-02-03 02:01:05.000000', '2024-02-03 02:01:06.000000', NULL, 'beyond the bounds', 'platform_advance');
