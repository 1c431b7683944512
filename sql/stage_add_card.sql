INSERT INTO stage_card (record, file, line, offset, length, card_id, customer_id, account_id, mark, flags, code, field)
VALUES (:record, 0, :line, :offset, :length, :card_id, :customer_id, :account_id, :mark, :flags, :code, :field);
