INSERT INTO stage_card (record, line, offset, length, card_id, customer_id, account_id, mark, flags, code, field)
VALUES (:record, :line, :offset, :length, :card_id, :customer_id, :account_id, :mark, :flags, :code, :field);
