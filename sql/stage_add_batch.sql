INSERT INTO stage_card (record, line, offset, length, card_id, customer_id, account_id, flags)
SELECT record, line, offset, length, card_id, customer_id, account_id, flags FROM staged_batch;
