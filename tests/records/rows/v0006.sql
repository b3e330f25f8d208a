INSERT INTO discrepancies (discrepancy_id, kind, subject, case_id, order_id, says, command, times, found_at, settled_at) VALUES
  ('case_terminated/C-9', 'case_terminated', 'C-9', 'C-9', 'O-89', 'case C-9 is awaiting merchant review by the records',
   'temporal workflow reset', 1, '2024-02-22 16:00:00.000000', NULL);
