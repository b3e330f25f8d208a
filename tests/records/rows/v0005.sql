INSERT INTO violations (violation_id, shipment_id, order_id, merchant_id, clock, tracking_no, due_at, breached_at, rules,
    policy_version, counts_for_score, cleared_at, claim_case_id, content) VALUES
  ('S-1/dispatch', 'S-1', 'O-88', 'M-7', 'dispatch', NULL, '2024-02-22 15:59:59.000000', '2024-02-22 16:00:00.000000',
   'S16', 'made-up', TRUE, NULL, 'S-1.late',
   '{"violation_id":"S-1/dispatch","shipment_id":"S-1","order_id":"O-88","merchant_id":"M-7","clock":"dispatch","tracking_no":null,"started_at":"2024-02-02T00:00:00+08:00","due_at":"2024-02-22T23:59:59+08:00","respond_by":"2024-02-22T23:59:59+08:00","breached_at":"2024-02-23T00:00:00+08:00","recorded_at":"2024-02-23T00:00:00+08:00","rules":["S16"],"policy_version":"made-up","on_timeout":"breach","counts_for_score":true,"because":[],"cleared_at":null,"cleared_by":null,"claim_case_id":"S-1.late"}');
