INSERT INTO outbox (message_id, case_id, seq, place, party, event, content, corrects, created_at, state, lease_owner,
    leased_until, attempts, next_try_at, together, last_error, sent_at) VALUES
  ('C-1/1', 'C-1', 1, 0, 'buyer', 'move_awaited',
   '{"message_id":"C-1/1","case_id":"C-1","order_id":"O-88","to":"buyer","recipient":"B-5","event":"move_awaited","kind":"return","state":"awaiting_merchant_review","says":"return 退货退款 requested: it''s used","commands":[],"respond_by":null,"on_timeout":null,"corrects":null}',
   NULL, '2024-02-01 02:00:05.000000', 'sent', NULL, NULL, 1, '2024-02-01 02:00:05.000000', NULL, NULL, '2024-02-01 02:00:05.000000');
INSERT INTO outbox (message_id, case_id, seq, place, party, event, content, corrects, created_at, state, lease_owner,
    leased_until, attempts, next_try_at, together, last_error, sent_at) VALUES
  ('C-1/2', 'C-1', 2, 0, 'buyer', 'case_closed',
   '{"message_id":"C-1/2","case_id":"C-1","order_id":"O-88","to":"buyer","recipient":"B-5","event":"case_closed","kind":"return","state":"closed","says":"closed 已关闭: withdrawn","commands":[],"respond_by":null,"on_timeout":null,"corrects":null}',
   NULL, '2024-02-01 02:00:05.000000', 'pending', NULL, NULL, 1, '2024-02-01 02:00:05.000000', 'buyer/B-5', 'no answer', NULL);
INSERT INTO deliveries (message_id, channel, attempts, delivered_at, last_error) VALUES
  ('C-1/1', 'mail', 1, '2024-02-01 02:00:05.000000', NULL),
  ('C-1/2', 'mail', 1, '2024-02-01 02:00:05.000000', NULL),
  ('C-1/2', 'dingtalk', 2, NULL, 'no answer');
