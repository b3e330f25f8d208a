INSERT INTO outbox (message_id, case_id, seq, place, party, event, content, corrects, created_at, state, lease_owner,
    leased_until, attempts, next_try_at, last_error, sent_at) VALUES
  ('C-1/1', 'C-1', 1, 0, 'buyer', 'Told',
   '{"message_id":"C-1/1","case_id":"C-1","to":"buyer","event":"Told","title":"News","body":"return 退货退款 requested: it''s used","respond_by":null}',
   NULL, '2024-02-01 02:00:05.000000', 'sent', NULL, NULL, 1, '2024-02-01 02:00:05.000000', NULL, '2024-02-01 02:00:05.000000');
INSERT INTO outbox (message_id, case_id, seq, place, party, event, content, corrects, created_at, state, lease_owner,
    leased_until, attempts, next_try_at, last_error, sent_at) VALUES
  ('C-1/2', 'C-1', 2, 0, 'buyer', 'Told',
   '{"message_id":"C-1/2","case_id":"C-1","to":"buyer","event":"Told","title":"News","body":"closed 已关闭: withdrawn","respond_by":null}',
   NULL, '2024-02-01 02:00:05.000000', 'pending', NULL, NULL, 1, '2024-02-01 02:00:05.000000', 'no answer', NULL);
INSERT INTO deliveries (message_id, channel, attempts, delivered_at, last_error) VALUES
  ('C-1/1', 'mail', 1, '2024-02-01 02:00:05.000000', NULL),
  ('C-1/2', 'mail', 1, '2024-02-01 02:00:05.000000', NULL),
  ('C-1/2', 'dingtalk', 2, NULL, 'no answer');
